"""Replacing ORDER_PASSWORD_KEY: which key is in use, and replacing the passwords of keys that are no longer valid."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from notifications.services import OutgoingEmail, send_many
from orders.models import KEYED_HASH_PREFIX, Order, OrderPasswordKey, OrderQuerySet
from orders.passwords import key_fingerprint, keyed_hash_prefix
from orders.services.confirmations import order_language, recent_orders

PASSWORD_REPLACED = "order_password_replaced"  # noqa: S105 (a kind of email)
CHUNK_SIZE = 5000  # orders per transaction

Reason = OrderPasswordKey.Reason


class KeyChangeRefused(Exception):
    """The passwords cannot be replaced with these settings. `code` is one of the constants below."""

    FALLBACK_SET, SAME_KEY, EARLIER_KEY = "fallback_set", "same_key", "earlier_key"

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Replaced:
    """How many orders got a new password, by the kind of their previous one, and how many buyers
    are notified by email.
    """

    portal_made: int = 0
    imported: int = 0
    emails: int = 0


def record_first_key() -> None:
    """Record the key in use, if none is recorded yet."""
    if not OrderPasswordKey.objects.exists():
        OrderPasswordKey.objects.get_or_create(
            fingerprint=key_fingerprint(settings.ORDER_PASSWORD_KEY), defaults={"replaced_at": timezone.now()}
        )


def imported_with_fallbacks() -> dict[str, int]:
    """Return how many imported passwords need each key in ORDER_PASSWORD_KEY_FALLBACKS, by fingerprint of the key."""
    return {
        key_fingerprint(key): Order.objects.filter(password_hash__startswith=keyed_hash_prefix(key)).count()
        for key in _earlier_keys()
    }


def _earlier_keys() -> list[str]:
    return [key for key in settings.ORDER_PASSWORD_KEY_FALLBACKS if key != settings.ORDER_PASSWORD_KEY]


def unverifiable_passwords() -> OrderQuerySet:
    """Return the orders with an imported password that no key in the settings can check."""
    orders = Order.objects.filter(password_hash__startswith=KEYED_HASH_PREFIX)
    for key in (settings.ORDER_PASSWORD_KEY, *settings.ORDER_PASSWORD_KEY_FALLBACKS):
        orders = orders.exclude(password_hash__startswith=keyed_hash_prefix(key))
    return orders


def check(reason: OrderPasswordKey.Reason) -> OrderPasswordKey:
    """Return the row of the current key, not saved if it is new. Raises KeyChangeRefused."""
    if reason == Reason.COMPROMISED and _earlier_keys():
        raise KeyChangeRefused(KeyChangeRefused.FALLBACK_SET)
    fingerprint = key_fingerprint(settings.ORDER_PASSWORD_KEY)
    key = OrderPasswordKey.objects.filter(fingerprint=fingerprint).first() or OrderPasswordKey(fingerprint=fingerprint)
    if key.replaced_at is not None:
        if key != OrderPasswordKey.objects.on_record():
            raise KeyChangeRefused(KeyChangeRefused.EARLIER_KEY)
        if reason == Reason.COMPROMISED and key.reason != reason:
            raise KeyChangeRefused(KeyChangeRefused.SAME_KEY)
    return key


def begin(reason: OrderPasswordKey.Reason) -> OrderPasswordKey:
    """Begin to replace passwords because of the current key, or continue an interrupted run.

    The row's `replaced_at` is set if there is nothing left to do. Raises KeyChangeRefused.
    """
    key = check(reason)
    is_done = key.replaced_at is not None
    is_reopened = is_done and reason == Reason.PLANNED and unverifiable_passwords().exists()
    if key.pk is None or is_reopened or (not is_done and reason == Reason.COMPROMISED != key.reason):
        key.reason, key.replaced_at = reason, None
        key.replaced_through, key.replaced_up_to = 0, _highest_id()
        key.save()
    return key


def count_replaceable(reason: OrderPasswordKey.Reason) -> Replaced:
    """Return what `replace_next` would do to all orders."""
    orders = _replaceable(reason)
    portal_made = orders.filter(password_hash="").count()
    total = orders.count()
    notified = recent_orders(orders.values("pk")).exclude(store_email="", contact_email="")
    return Replaced(portal_made, total - portal_made, notified.count())


def replace_all(key: OrderPasswordKey, on_progress: Callable[[int], object] = lambda order_id: None) -> Replaced:
    """Replace the passwords that have to be, in chunks. Calls `on_progress` with the highest processed id.

    Each chunk is one transaction that also stores its progress, so no order is replaced twice for one key, even if this
    is interrupted, repeated or run simultaneously.
    """
    replaced = Replaced()
    while _replace_next(key.pk, replaced):
        key.refresh_from_db()
        on_progress(key.replaced_through)
    key.refresh_from_db()
    return replaced


@transaction.atomic
def _replace_next(key_id: int, replaced: Replaced) -> bool:
    """Replace the passwords of one chunk of orders. Returns False when all are done."""
    key = OrderPasswordKey.objects.select_for_update().get(pk=key_id)
    if key.replaced_at is not None:
        return False
    reason = Reason(key.reason)
    orders = _replaceable(reason).filter(pk__gt=key.replaced_through, pk__lte=key.replaced_up_to)
    # Locked in the same order as imports, so that the two can't block each other.
    rows = list(orders.order_by("pk").select_for_update().values_list("pk", "password_hash")[:CHUNK_SIZE])
    if not rows:
        key.replaced_at = timezone.now()
        key.replaced_through = key.replaced_up_to
        key.save(update_fields=["replaced_at", "replaced_through"])
        OrderPasswordKey.objects.filter(replaced_at=None).delete()  # keys replaced before their run was complete
        return False
    ids = [pk for pk, _password_hash in rows]
    portal_made = sum(not password_hash for _pk, password_hash in rows)
    columns: dict[str, Any] = {"password_hash": "", "password_generation": F("password_generation") + 1}
    if reason == Reason.COMPROMISED:
        # Someone with the key may be signed in, and may have left bank details or started threads.
        columns |= {"access_generation": F("access_generation") + 1, "access_ended_at": timezone.now()}
    Order.objects.filter(pk__in=ids).update(**columns)
    replaced.portal_made += portal_made
    replaced.imported += len(rows) - portal_made
    replaced.emails += send_many(
        OutgoingEmail(
            PASSWORD_REPLACED,
            order,
            order.email,
            key.fingerprint,
            order_id=order.pk,
            language=order_language(order),
        )
        for order in recent_orders(ids)
    )
    key.replaced_through = ids[-1]
    key.save(update_fields=["replaced_through"])
    return True


def _replaceable(reason: OrderPasswordKey.Reason) -> OrderQuerySet:
    """Return the orders whose passwords are no longer valid, or must not be.

    After a leak, these are all passwords generated by the portal. Imported ones are valid as long as a configured key
    can check them.
    """
    unverifiable = unverifiable_passwords()
    return unverifiable | Order.objects.filter(password_hash="") if reason == Reason.COMPROMISED else unverifiable


def _highest_id() -> int:
    return Order.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
