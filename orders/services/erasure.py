"""Erases the data of a person from orders. What law requires to keep stays: numbers, amounts, tax, dates, items."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from notifications.address_search import AddressSearch
from notifications.addresses import email_key
from orders.models import AccessLink, AddressCorrection, Attempt, LookupCode, Order

# The columns of an order that belong to the person, as they are after an erasure. The country stays, because it decides
# on the tax.
ERASED: dict[str, Any] = {
    "store_email": "",
    "contact_email": "",
    "email_key": "",
    "password_hash": "",
    "card_last4": "",
    "device_last4": "",
    "billing_name": "",
    "billing_company": "",
    "billing_address": "",
    "billing_city": "",
    "billing_postcode": "",
    "billing_vat_id": "",
}
BATCH_SIZE = 1000


def lock_orders(email_key: str) -> list[Order]:
    """Return the orders of an address, with their rows locked by id, as imports lock them."""
    return list(
        Order.objects.for_email_key(email_key).select_related("store").order_by("pk").select_for_update(of=("self",))
    )


def former_corrections(key: str) -> list[AddressCorrection]:
    """Return the corrections that mention an address, of any order. The columns have no key, so all are read."""
    if not key:
        return []
    rows = AddressCorrection.objects.values_list("pk", "old_email", "old_contact_email", "new_email")
    found = [pk for pk, *emails in rows.iterator(BATCH_SIZE) if key in map(email_key, emails)]
    return list(AddressCorrection.objects.filter(pk__in=found).select_related("order").order_by("pk"))


def find_obstacles(order_ids: Collection[int], key: str, now: datetime) -> Iterator[str]:
    """Yield a sentence for each correction that can still be undone: it may show that the order isn't the person's."""
    corrections = AddressCorrection.objects.undoable(now).select_related("order").order_by("pk")
    of_orders = corrections.filter(order__in=order_ids)
    of_address = corrections.filter(pk__in=[each.pk for each in former_corrections(key)])
    for number in dict.fromkeys(each.order.number for each in (*of_orders, *of_address)):
        text = gettext("The address of order %(number)s was corrected, and this can still be undone. Wait until then.")
        yield text % {"number": number}


def attempt_subjects(orders: Collection[Order], key: str) -> set[str]:
    """Return what attempts to open the orders of an address are recorded under."""
    return {key, *(order.number_key for order in orders), *(_typed_as_numbers(key) if key else ())} - {""}


def _typed_as_numbers(key: str) -> Iterator[str]:
    """Yield the spellings of an address that somebody entered as an order number, where letters become capitals."""
    search = AddressSearch(key)
    attempts = Attempt.objects.filter(method=Attempt.Method.NUMBER, subject__contains="@")
    subjects = attempts.values_list("subject", flat=True).iterator(BATCH_SIZE)
    return (subject for subject in subjects if search.is_in(subject.lower()))


def erase_orders(orders: Collection[Order], key: str, now: datetime) -> dict[str, int]:
    """Erase the person from these locked orders, and end all access to them. Returns how many rows of which model.

    Their password is replaced by one that is never sent, and imports can't set another one. Without a key, only these
    orders are erased, because they are old.
    """
    ids = [order.pk for order in orders]
    changed = Order.objects.filter(pk__in=ids).update(
        **ERASED,
        password_generation=F("password_generation") + 1,
        access_generation=F("access_generation") + 1,
        access_ended_at=now,
        returns_frozen_since=None,
        returns_frozen_until=None,
        erased_at=Coalesce("erased_at", now),
    )
    corrections = AddressCorrection.objects.filter(order__in=ids)
    counts = {
        "orders.Order": changed,
        "orders.AddressCorrection": corrections.count() + _erase_former(ids, key),
        "orders.LookupCode": LookupCode.objects.filter(order__in=ids).count(),
        "orders.AccessLink": AccessLink.objects.filter(email_key=key).exclude(email_key="").delete()[0],
        "orders.Attempt": Attempt.objects.filter(subject__in=attempt_subjects(orders, key)).delete()[0],
    }
    LookupCode.objects.filter(order__in=ids).delete()
    corrections.delete()
    return counts


def _erase_former(order_ids: Collection[int], key: str) -> int:
    """Erase an address from corrections of orders that now belong to another one. Returns how many corrections."""
    others = [each for each in former_corrections(key) if each.order_id not in order_ids]
    for correction in others:
        for name in ("old_email", "old_contact_email", "new_email"):
            if email_key(getattr(correction, name)) == key:
                setattr(correction, name, "")
        correction.save(update_fields=["old_email", "old_contact_email", "new_email"])
        order = correction.order
        if email_key(order.store_email) == key and order.contact_email:
            Order.objects.filter(pk=order.pk).update(store_email="", email_key=order.email_key)
    return len(others)
