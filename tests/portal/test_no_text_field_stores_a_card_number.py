"""Every text field of a model never stores a full card number, or is listed here with the reason."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import models

from orders.models import Order, OrderLine
from orders.models.fields import (
    NoCardNumbersCharField,
    NoCardNumbersJSONField,
    NoCardNumbersSlugField,
    NoCardNumbersTextField,
)
from tests.factories import make_line, make_order, make_reason, make_store

APPS = ("cases", "desk", "files", "intake", "licenses", "notifications", "orders", "portal", "refunds", "support")
SAFE = (NoCardNumbersCharField, NoCardNumbersJSONField, NoCardNumbersSlugField, NoCardNumbersTextField)
SHORTEST_CARD_NUMBER = 12
# Generated numbers, and numbers that are looked up: their forms check what is typed.
NUMBERS = {
    "desk.LookRecord.object_key",
    "orders.Order.number",
    "orders.Order.number_key",
    "orders.Order.invoice_number",
    "orders.OrderLine.store_line_id",
    "orders.OrderLine.sku",
    "orders.OrderLine.extends_serial",
    "orders.Refund.store_refund_id",
    "orders.Refund.lines",
    "orders.PaymentReference.reference",
    "licenses.License.serial",
    "licenses.License.serial_key",
    "licenses.Sku.code",
    "licenses.SerialPrefix.prefix",
    "licenses.AppliedPrefix.prefix",
    "licenses.Product.serial_pattern",
    "licenses.Device.vendor_id",
    "refunds.CashbackClaim.payout_reference",
    "refunds.RefundTransaction.store_reference",
    "refunds.Withdrawal.order_number",
    "support.ChargeClaim.order_number",
    "support.ChargeClaim.serial",
    "support.PhoneNumber.number",
    "support.PhoneNumber.international_number",
    "support.PhoneNumber.digits",
}
# Written by the portal, from a fixed set of words or at random, or masked before (attempts, file names).
OWN = {"client", "code", "digest", "event_id", "format", "key", "key_id", "kind", "language", "method", "password_hash"}
OWN |= {
    "chosen_language",
    "client_key",
    "fingerprint",
    "reference",
    "sha256",
    "shared_key",
    "source",
    "sources",
    "stored_name",
    "subject",
    "time_zone",
    "last_error",
    "from_status",
    "to_status",
}
OWN_FIELDS = {"files.Upload.name", "orders.AccessLink.next_path"}
OWN_FIELDS |= {"portal.Heartbeat.name", "desk.LookRecord.object_model", "desk.StaffSession.browser"}
OWN_FIELDS |= {"desk.StaffSession.session_key", "portal.SchedulerLease.name", "portal.SchedulerLease.holder"}
# Copies of rows, whose columns are those of the other models.
OWN_FIELDS |= {"intake.ImportChange.before", "intake.ImportedObject.before", "intake.ImportedObject.after"}
# Forms and imports refuse invalid addresses, and buyers' forms refuse card numbers in them.
ADDRESSES = ("email", "recipient", "email_key", "recipient_key", "other_emails", "url")


def text_fields() -> dict[str, models.Field]:
    return {
        f"{model._meta.label}.{field.name}": getattr(field, "base_field", field)  # of an ArrayField
        for label in APPS
        for model in apps.get_app_config(label).get_models()
        if not model._meta.proxy
        for field in model._meta.concrete_fields
        if is_text(getattr(field, "base_field", field))
    }


def is_text(field: models.Field) -> bool:
    return isinstance(field, (models.CharField, models.TextField, models.JSONField)) and not field.choices


def is_exempt(name: str, field: models.Field) -> bool:
    short_name = name.rpartition(".")[2]
    too_short = field.max_length is not None and field.max_length < SHORTEST_CARD_NUMBER
    return too_short or name in NUMBERS | OWN_FIELDS or short_name in OWN or short_name.endswith(ADDRESSES)


def test_every_text_field_is_safe_or_exempt() -> None:
    unsafe = {
        name for name, field in text_fields().items() if not isinstance(field, SAFE) and not is_exempt(name, field)
    }
    assert unsafe == set()


CARD = "4242 4242 4242 4242"


@pytest.mark.django_db
def test_no_way_to_write_a_row_stores_a_card_number() -> None:
    order = make_order(billing_name=f"Bea {CARD}")
    assert order.billing_name == "Bea ••••4242"  # the object in memory, too
    created = make_line(order, name=CARD)
    [bulk] = OrderLine.objects.bulk_create([OrderLine(order=order, store_line_id="2", position=2, name=CARD)])
    bulk.name = f"again {CARD}"
    OrderLine.objects.bulk_update([bulk], ["name"])
    Order.objects.filter(pk=order.pk).update(billing_address=f"Beispielweg 1\n{CARD}")
    reason = make_reason(name="No", translations={"de": CARD, CARD: ["x", {"y": CARD}]})
    reason.refresh_from_db()
    order.refresh_from_db()
    assert set(OrderLine.objects.values_list("name", flat=True)) == {"••••4242", "again ••••4242"}
    assert order.billing_address == "Beispielweg 1\n••••4242"
    assert reason.translations == {"de": "••••4242", "••••4242": ["x", {"y": "••••4242"}]}
    created.refresh_from_db()
    assert created.name == "••••4242"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("instance", "name"),
    [
        (lambda: make_store(), "name"),
        (lambda: make_store(), "slug"),
        (lambda: make_store(), "seller"),
        (lambda: make_reason(), "name"),
        (lambda: User(password="x"), "first_name"),
        (lambda: User(password="x"), "username"),
        (lambda: Group(), "name"),
    ],
)
def test_forms_of_the_admin_refuse_a_card_number(instance, name: str) -> None:
    made = instance()
    setattr(made, name, CARD.replace(" ", "-"))
    with pytest.raises(ValidationError) as error:
        made.clean_fields(exclude=[field.name for field in made._meta.fields if field.name != name])
    assert "card_number" in {each.code for each in error.value.error_dict[name]}
