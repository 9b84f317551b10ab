"""If staff assigned SKUs to products and kinds, an undo of their import keeps these settings."""

from datetime import UTC, datetime

import pytest

from licenses.models import License, LicensedLine, Product, SerialPrefix, Sku
from orders.models import OrderLine, Store
from refunds.models import ReturnException, ReturnPolicy
from tests.factories import make_product
from tests.intake.exports import Importer, the_order
from tests.intake.import_runs import content, differences, undo
from tests.intake.sku_mappings import kinds, map_sku, unknown_order

pytestmark = pytest.mark.django_db

Kind = OrderLine.Kind


@pytest.fixture
def product() -> Product:
    return make_product()


def test_changed_orders_keep_product_kind_and_return_period(importer: Importer, product: Product) -> None:
    store = Store.objects.create(slug="acme-eu", name="Acme")
    policy = ReturnPolicy.objects.create(store=store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    ReturnException.objects.create(policy=policy, product=product, kind=Kind.RENEWAL, days=3)
    line = {"licenses": [{"serial": "XA-1"}]}
    importer.orders(unknown_order(line=line))
    second = importer.orders(unknown_order(line=line | {"name": "Suite 2027"}))
    map_sku(product=product, kind=Kind.RENEWAL)
    mapped = content()
    assert undo(second).tally == (0, 1, 0)
    found = the_order().lines.get()
    assert (found.name, found.kind) == ("Suite", "renewal")
    after = content()
    after["orders_orderline"] = [row.replace('"Suite"', '"Suite 2027"') for row in after["orders_orderline"]]
    after["orders_order"] = mapped["orders_order"]  # stores the other digest
    assert differences(mapped, after) == {}
    assert License.objects.get().product == product


def test_a_kind_that_staff_took_back_stays_taken_back(importer: Importer) -> None:
    importer.orders(unknown_order())
    map_sku(kind=Kind.RENEWAL)
    second = importer.orders(unknown_order(line={"name": "Suite 2027"}))
    map_sku(kind="")
    assert undo(second).tally == (0, 1, 0)
    assert kinds() == ["new"]


def test_a_product_that_staff_removed_stays_removed(importer: Importer, product: Product) -> None:
    SerialPrefix.objects.create(product=product, prefix="XA")
    line = {"licenses": [{"serial": "XA-1"}]}
    importer.orders(unknown_order(line=line))
    second = importer.orders(unknown_order(line=line | {"name": "Suite 2027"}))
    map_sku(product=None)
    assert undo(second).tally == (0, 1, 0)
    assert Sku.objects.get().product is None
    assert LicensedLine.objects.get().product is None


def test_what_the_store_said_meanwhile_goes_and_what_staff_said_counts_again(importer: Importer) -> None:
    importer.orders(unknown_order())
    second = importer.orders(unknown_order(line={"kind": "upgrade"}))
    map_sku(kind=Kind.RENEWAL)
    assert kinds() == ["upgrade"]
    assert undo(second).tally == (0, 1, 0)
    assert kinds() == ["renewal"]


def test_orders_that_wait_for_the_worker_get_it_with_the_undo(importer: Importer) -> None:
    importer.orders(unknown_order())
    second = importer.orders(unknown_order(line={"name": "Suite 2027"}))
    map_sku(kind=Kind.RENEWAL, updated=False)
    assert undo(second).tally == (0, 1, 0)
    assert kinds() == ["renewal"]


def test_a_product_that_staff_confirmed_stays_with_the_sku(importer: Importer, product: Product) -> None:
    """Even if the import found the same product: the setting by staff counts, regardless of its origin."""
    importer.orders(unknown_order("A"))
    SerialPrefix.objects.create(product=product, prefix="XA")
    second = importer.orders(unknown_order("B", line={"licenses": [{"serial": "XA-1"}]}))
    assert Sku.objects.get().product == product
    map_sku(product=product)
    assert undo(second).tally == (1, 0, 0)
    assert Sku.objects.get().product == product


def test_a_product_that_only_the_import_found_goes_though_staff_set_the_kind(
    importer: Importer, product: Product
) -> None:
    importer.orders(unknown_order("A"))
    SerialPrefix.objects.create(product=product, prefix="XA")
    second = importer.orders(unknown_order("B", line={"licenses": [{"serial": "XA-1"}]}))
    map_sku(kind=Kind.RENEWAL)
    assert undo(second).tally == (1, 0, 0)
    sku = Sku.objects.get()
    assert (sku.product, sku.kind) == (None, "renewal")


@pytest.mark.parametrize("changes", [{"kind": Kind.RENEWAL}, {"product": None}])
def test_a_new_sku_that_staff_mapped_stays(importer: Importer, changes: dict[str, object]) -> None:
    result = importer.orders(unknown_order("A"), unknown_order("B", sku="S-2"))
    map_sku("S-1", **changes)
    assert undo(result).tally == (2, 0, 0)
    assert list(Sku.objects.values_list("code", flat=True)) == ["S-1"]


def test_a_missing_kind_is_no_longer_recorded(importer: Importer) -> None:
    importer.orders(unknown_order("A", line={"kind": "new"}))
    before = content()
    second = importer.orders(unknown_order("B"))
    assert Sku.objects.get().has_untold_kinds
    undo(second)
    assert differences(before, content()) == {}


def test_a_mapping_after_the_import_is_not_an_obstacle(importer: Importer, product: Product) -> None:
    result = importer.orders(unknown_order(line={"licenses": [{"serial": "XA-1"}]}))
    map_sku(product=product, kind=Kind.RENEWAL)
    assert undo(result).tally == (1, 0, 0)
