"""The portal's own format becomes an order with everything that belongs to it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from licenses.models import License, LicensedLine, SerialPrefix, Sku
from notifications.models import Message
from orders.models import Order, Store
from tests.factories import make_product, make_store
from tests.intake.exports import ABSENT, Importer, portal_order, the_order

pytestmark = pytest.mark.django_db


def test_every_field_lands_in_its_place(importer: Importer) -> None:
    result = importer.orders(
        portal_order(
            updated_at="2026-11-05T09:00:00+01:00",
            status="partially_refunded",
            test=True,
            invoice={"number": "2026-77", "issued_on": "2026-11-01", "seller": "Acme Reselling Ltd, Dublin"},
            refunds=[
                {
                    "id": "R-1",
                    "amount": "9.99",
                    "at": "2026-11-05T09:00:00+01:00",
                    "lines": [{"id": "2", "quantity": 1}],
                }
            ],
        )
    )
    assert result.exit_status == 0
    assert result.tally == (1, 0, 0, 0)
    order = the_order()
    assert order.store.slug == "acme-eu"
    assert order.number_key == "A-1001"
    assert order.placed_at == datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    assert (order.status, order.is_test, order.language, order.currency) == ("partially_refunded", True, "de", "EUR")
    assert (order.store_email, order.contact_email, order.email_key) == ("ann@example.com", "", "ann@example.com")
    assert (order.payment_method, order.card_brand, order.card_last4) == ("card", "visa", "4242")
    assert (order.wallet, order.device_last4) == ("apple_pay", "1881")
    assert order.billing_address == "Beispielweg 1\nHinterhof"
    assert (order.billing_name, order.billing_city, order.billing_country) == ("Ann Beispiel", "Köln", "DE")
    assert (order.invoice_number, order.invoice_issued_on) == ("2026-77", date(2026, 11, 1))
    assert (order.subtotal, order.tax, order.total) == (Decimal("75.58"), Decimal("14.36"), Decimal("89.94"))
    first, second = order.lines.order_by("position")
    assert (first.sku, first.kind, first.quantity, first.tax_rate) == ("MAX-3D-1Y", "new", 1, Decimal(19))
    assert (second.kind, second.total, second.quantity_returned) == ("extended_download", Decimal("9.99"), 1)
    license = License.objects.get()
    assert (license.serial, license.serial_key, license.devices) == ("XAAB-1234-5678", "XAAB12345678", 3)
    assert LicensedLine.objects.get().line == first
    refund = order.refunds.get()
    assert (refund.store_refund_id, refund.amount) == ("R-1", Decimal("9.99"))


def test_texts_with_tabs_backslashes_and_line_breaks_come_through_whole(importer: Importer) -> None:
    name = "Tab\tback\\slash\nline \\N end"
    importer.orders(portal_order(billing={"name": name, "company": "\\N", "city": "emoji 🧾"}))
    order = the_order()
    assert (order.billing_name, order.billing_company, order.billing_city) == (name, "\\N", "emoji 🧾")


def test_an_order_with_only_the_required_fields_is_imported(importer: Importer) -> None:
    minimal = portal_order(
        lines=[{"id": "1", "name": "Premium Security", "unit_price": "10", "tax": "1.9", "total": "11.9"}],
        email=None,
        **dict.fromkeys(("status", "language", "payment", "billing", "totals"), ABSENT),
    )
    assert importer.orders(minimal).tally == (1, 0, 0, 0)
    order = the_order()
    assert (order.status, order.store_email, order.total) == ("completed", "", Decimal("11.9"))


def test_an_unknown_store_is_made_with_defaults_and_a_known_one_is_left_alone(importer: Importer) -> None:
    make_store(slug="acme-us", name="Acme", time_zone="America/New_York")
    importer.orders(portal_order(), portal_order(store="acme-us"))
    assert Store.objects.get(slug="acme-eu").time_zone == "UTC"
    assert Store.objects.get(slug="acme-us").name == "Acme"
    assert Order.objects.filter(number="A-1001").count() == 2


def test_an_unknown_sku_is_put_under_the_product_with_the_longest_prefix(importer: Importer) -> None:
    short, long = make_product(), make_product()
    SerialPrefix.objects.create(product=short, prefix="X")
    SerialPrefix.objects.create(product=long, prefix="XAA")
    importer.orders(portal_order())
    assert Sku.objects.get(code="MAX-3D-1Y").product == long
    assert Sku.objects.get(code="EDS-2Y").product is None
    assert License.objects.get().product == long


def test_a_sku_that_staff_moved_stays(importer: Importer) -> None:
    by_prefix, by_staff = make_product(), make_product()
    SerialPrefix.objects.create(product=by_prefix, prefix="X")
    store = make_store(slug="acme-eu")
    Sku.objects.create(store=store, code="MAX-3D-1Y", product=by_staff)
    importer.orders(portal_order())
    assert Sku.objects.get(code="MAX-3D-1Y").product == by_staff
    assert License.objects.get().product == by_staff


def test_a_plain_password_is_never_stored_and_a_django_hash_is_kept(importer: Importer) -> None:
    django_hash = "pbkdf2_sha256$600000$salt$hash0000000000000000000000000000000000000000="
    importer.orders(portal_order(password="open sesame"), portal_order(number="A-2", password=django_hash))
    stored = the_order().password_hash
    assert stored
    assert "sesame" not in stored
    assert the_order("A-2").password_hash == django_hash


def test_only_recent_orders_are_confirmed(importer: Importer) -> None:
    now = timezone.now().isoformat()
    importer.orders(
        portal_order(number="NEW", placed_at=now),
        portal_order(number="OLD"),
        portal_order(number="NOBODY", placed_at=now, email=None),
    )
    assert list(Message.objects.values_list("order_id", flat=True)) == [the_order("NEW").pk]
    importer.orders(portal_order(number="NEW", placed_at=now, language="en"))
    assert Message.objects.count() == 1
