"""Staff assign a SKU to a product and a kind: earlier and later orders get both, unless the store
reported otherwise.
"""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from intake.tasks import update_orders_of_skus
from licenses.entitlement import has_extended_service
from licenses.models import License, LicensedLine, Product, SerialPrefix, Sku
from licenses.models.missing import LineWithoutSerial
from licenses.services.assigning import assign
from licenses.services.skus import map_skus
from notifications.models import Message
from orders.models import Order, OrderLine, Store
from refunds.models import Return, ReturnException, ReturnPolicy, Swap
from tests.factories import make_product
from tests.intake.exports import Importer, portal_order, shopify_more, shopify_row, the_order
from tests.intake.sku_mappings import kinds, map_sku, unknown_order
from tests.intake.test_stripe_payments import charge

pytestmark = pytest.mark.django_db

Kind = OrderLine.Kind


@pytest.fixture
def product() -> Product:
    return make_product()


def serial(number: str, **more: Any) -> dict[str, Any]:
    return {"licenses": [{"serial": number, **more}]}


# --- Kinds --------------------------------------------------------------------------------------------------


def test_earlier_and_later_orders_get_the_kind(importer: Importer) -> None:
    importer.orders(unknown_order("A"), unknown_order("B"), unknown_order("C", sku="S-2"))
    map_sku(kind=Kind.RENEWAL)
    importer.orders(unknown_order("D"))
    assert kinds() == ["renewal", "renewal", "renewal"]
    assert kinds("S-2") == ["new"]


def test_what_the_store_says_about_a_line_wins(importer: Importer) -> None:
    importer.orders(unknown_order("A", line={"kind": "new"}), unknown_order("B"))
    map_sku(kind=Kind.UPGRADE)
    importer.orders(unknown_order("C", line={"kind": "new"}), unknown_order("D"))
    assert kinds() == ["new", "upgrade", "new", "upgrade"]


def test_a_kind_that_the_store_reports_later_wins(importer: Importer) -> None:
    importer.orders(unknown_order())
    map_sku(kind=Kind.UPGRADE)
    importer.orders(unknown_order(line={"kind": "renewal"}))
    assert kinds() == ["renewal"]
    importer.orders(unknown_order(line={"name": "Suite 2027"}))  # no longer reports it
    assert kinds() == ["renewal"]


def test_staff_can_change_the_kind_and_take_it_back(importer: Importer) -> None:
    importer.orders(unknown_order("A"), unknown_order("B", line={"kind": "renewal"}))
    map_sku(kind=Kind.OTHER)
    map_sku(kind=Kind.UPGRADE)
    assert kinds() == ["upgrade", "renewal"]
    map_sku(kind="")
    assert kinds() == ["new", "renewal"]


def test_a_line_whose_sku_changes_gets_the_kind_of_the_new_one(importer: Importer) -> None:
    importer.orders(unknown_order("A"), unknown_order("B", sku="S-2"))
    map_sku(kind=Kind.UPGRADE)
    importer.orders(unknown_order("A", sku="S-2"), unknown_order("B", sku="S-1"))
    assert (kinds("S-2"), kinds("S-1")) == (["new"], ["upgrade"])


def test_another_store_with_the_same_sku_is_left_alone(importer: Importer) -> None:
    importer.orders(unknown_order("A"), unknown_order("B", store="acme-us"))
    map_skus([Sku.objects.get(store__slug="acme-us").pk], kind=Kind.RENEWAL)
    update_orders_of_skus()
    assert (the_order("A").lines.get().kind, the_order("B").lines.get().kind) == ("new", "renewal")


def test_a_table_of_shopify_gets_the_kind_and_keeps_its_shipping(importer: Importer) -> None:
    rows = [shopify_row(Shipping="5.00", Total="84.95")]
    importer.shopify(*rows)
    map_sku("MAX-3D-1Y", kind=Kind.RENEWAL)
    importer.shopify(*rows, shopify_row(Name="#2"))
    found = OrderLine.objects.order_by("pk").values_list("sku", "kind")
    assert list(found) == [("MAX-3D-1Y", "renewal"), ("", "other"), ("MAX-3D-1Y", "renewal")]


def test_an_item_under_the_kind_other_stays_the_same_item(importer: Importer) -> None:
    rows = [shopify_row(), shopify_more("#1001", Lineitem_name="Box", Lineitem_sku="BOX", Lineitem_quantity="1",
                                        Lineitem_price="0.00")]  # fmt: skip
    importer.shopify(*rows)
    before = list(OrderLine.objects.order_by("pk").values_list("pk", "name"))
    map_sku("BOX", kind=Kind.OTHER)
    importer.shopify(rows[0] | {"Email": "new@example.com"}, rows[1])
    assert the_order("#1001").store_email == "new@example.com"
    assert list(OrderLine.objects.order_by("pk").values_list("pk", "name")) == before
    assert kinds("BOX") == ["other"]


def test_a_payment_that_completes_an_order_keeps_the_kind(importer: Importer) -> None:
    importer.shopify(shopify_row(Payment_Reference="ch_1"))
    map_sku("MAX-3D-1Y", kind=Kind.RENEWAL)
    payment = charge(id="ch_1", billing_details={})
    assert importer(json.dumps(payment), name="stripe.json", store="shop").tally == (0, 1, 0, 0)
    assert kinds("MAX-3D-1Y") == ["renewal"]


# --- Consequences -------------------------------------------------------------------------------------------


def test_return_periods_follow_the_kind_and_the_product(importer: Importer, product: Product) -> None:
    store = Store.objects.create(slug="acme-eu", name="Acme")
    policy = ReturnPolicy.objects.create(store=store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    ReturnException.objects.create(policy=policy, product=product, days=60)
    ReturnException.objects.create(policy=policy, kind=Kind.RENEWAL, days=7)
    ReturnException.objects.create(policy=policy, product=product, kind=Kind.RENEWAL, days=3)
    importer.orders(unknown_order("A"))

    def days(number: str) -> int:
        line = the_order(number).lines.get()
        assert line.return_until is not None
        return (line.return_until - timedelta(microseconds=1) - datetime(2026, 11, 1, tzinfo=UTC)).days

    assert days("A") == 30
    map_sku(product=product)
    importer.orders(unknown_order("B"))
    assert (days("A"), days("B")) == (60, 60)
    map_sku(kind=Kind.RENEWAL)
    importer.orders(unknown_order("C"))
    assert (days("A"), days("B"), days("C")) == (3, 3, 3)
    map_sku(product=None)
    assert (days("A"), days("C")) == (7, 7)


def test_licenses_get_the_product(importer: Importer, product: Product) -> None:
    guessed = SerialPrefix.objects.create(product=make_product(), prefix="YY")
    importer.orders(unknown_order("A", line=serial("XA-1")), unknown_order("B", line=serial("YY-2"), sku="S-2"))
    assert License.objects.get(serial="XA-1").product is None
    assert License.objects.get(serial="YY-2").product == guessed.product
    for code in ("S-1", "S-2"):
        map_sku(code, product=product)
    importer.orders(unknown_order("C", line=serial("YY-3")))
    assert set(License.objects.values_list("product", flat=True)) == {product.pk}
    assert set(LicensedLine.objects.values_list("product", flat=True)) == {product.pk}


def test_a_license_that_is_renewed_runs_on(importer: Importer) -> None:
    """A refunded renewal removes only its own time. As a new license, it would keep the first one's date."""
    store = Store.objects.create(slug="acme-eu", name="Acme")
    ReturnPolicy.objects.create(store=store, in_force_from=datetime(2025, 1, 1, tzinfo=UTC), revokes_serials=True)
    first = unknown_order("A", sku="NEW", line=serial("XA-1", starts_on="2025-11-01", expires_on="2026-11-01"))
    first["placed_at"] = "2025-11-01T10:00:00Z"
    second = unknown_order("B", line=serial("XA-1", expires_on="2027-11-01"))
    third = unknown_order("C", line=serial("XA-1", expires_on="2028-11-01"), placed_at="2026-12-01T10:00:00Z")
    importer.orders(first, second | {"status": "refunded"}, third)
    license = License.objects.get()
    assert license.expires_on == date(2028, 11, 1)
    map_sku(kind=Kind.RENEWAL)
    license.refresh_from_db()
    assert license.expires_on == date(2027, 12, 2)  # 366 days from the purchase of the third
    map_sku(kind="")
    license.refresh_from_db()
    assert license.expires_on == date(2028, 11, 1)


def test_the_extended_download_service_is_recognized(importer: Importer) -> None:
    importer.orders(unknown_order())
    assert not has_extended_service(the_order().items)
    map_sku(kind=Kind.EXTENDED_DOWNLOAD)
    assert has_extended_service(the_order().items)
    assert not LineWithoutSerial.lines.missing().exists()


def test_serial_numbers_of_staff_follow_but_not_those_of_a_swap(importer: Importer, product: Product) -> None:
    importer.orders(unknown_order(line={"quantity": 2}))
    line = the_order().lines.get()
    other = make_product()
    assigned = assign(line, "XA-1")
    swapped = assign(line, "XA-2", product=other)
    Swap.objects.create(
        order=line.order, line=line, wanted="Other", currency="EUR", new_license=swapped, status=Swap.Status.SWAPPED,
        due_at=timezone.now(),
    )  # fmt: skip
    map_sku(product=product)
    found = dict(LicensedLine.objects.values_list("license__serial", "product"))
    assert found == {"XA-1": product.pk, "XA-2": other.pk}
    assigned.refresh_from_db()
    assert assigned.product == product


def test_no_email_is_sent_and_no_case_changes(importer: Importer, product: Product) -> None:
    importer.orders(unknown_order(line=serial("XA-1")))
    emails = list(Message.objects.values_list("pk", "kind"))
    map_sku(product=product, kind=Kind.RENEWAL)
    assert list(Message.objects.values_list("pk", "kind")) == emails
    assert not Return.objects.exists()


# --- Products that imports find by a serial number's prefix ---------------------------------------------------


def test_a_product_that_staff_removed_is_not_found_by_the_prefix_again(importer: Importer, product: Product) -> None:
    SerialPrefix.objects.create(product=product, prefix="XA")
    importer.orders(unknown_order("A", line=serial("XA-1")))
    assert Sku.objects.get().product == product
    map_sku(product=None)
    importer.orders(unknown_order("B", line=serial("XA-2")))
    assert Sku.objects.get().product is None
    assert not LicensedLine.objects.exclude(product=None).exists()


def test_no_product_is_found_by_the_old_serial_number_of_an_upgrade(importer: Importer, product: Product) -> None:
    SerialPrefix.objects.create(product=product, prefix="XA")
    Sku.objects.create(store=Store.objects.create(slug="acme-eu", name="Acme"), code="S-1", kind=Kind.UPGRADE)
    importer.orders(unknown_order(line=serial("XA-1")))
    assert Sku.objects.get().product is None


def test_the_import_remembers_which_skus_came_without_a_kind(importer: Importer) -> None:
    importer.orders(portal_order(), unknown_order("B"), unknown_order("C", sku="EDS-2Y"))
    assert dict(Sku.objects.values_list("code", "has_untold_kinds")) == {
        "MAX-3D-1Y": False,
        "S-1": True,
        "EDS-2Y": True,
    }


# --- The worker ---------------------------------------------------------------------------------------------


def rows() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Order, OrderLine, License, LicensedLine)]


def test_it_is_done_once_and_repeating_it_changes_nothing(importer: Importer, product: Product) -> None:
    importer.orders(unknown_order(line=serial("XA-1")))
    sku = map_sku(product=product, kind=Kind.RENEWAL, updated=False)
    assert sku.update_requested_at is not None
    assert kinds() == ["new"]
    update_orders_of_skus()
    sku.refresh_from_db()
    assert (sku.update_requested_at, sku.updated_to) == (None, 0)
    before = rows()
    assert map_skus([sku.pk], product=product, kind=Kind.RENEWAL) == []
    Sku.objects.update(update_requested_at=timezone.now())
    update_orders_of_skus()
    assert [
        list(model.objects.order_by("pk").values()) for model in (Order, OrderLine, License, LicensedLine)
    ] == before
