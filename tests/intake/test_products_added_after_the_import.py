"""A product or prefix that is added or corrected after an import reaches the licenses and SKUs that are there."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from intake.ingest.locks import lock_imports
from intake.models import ImportedObject, ImportRun
from intake.services import prefix_updates
from intake.services.prefix_updates import update_by_prefixes
from intake.services.undo import undo_run
from intake.tasks import update_orders_of_skus
from licenses.models import AppliedPrefix, License, LicensedLine, Product, SerialPrefix, Sku
from licenses.services.assigning import assign
from orders.models import Order, OrderLine
from refunds.models import ReturnException, ReturnPolicy
from tests.factories import make_agent, make_product, make_release
from tests.intake.exports import Importer, portal_order, the_order
from tests.intake.sku_mappings import map_sku, unknown_order
from tests.intake.test_interrupted_and_racing_undos import DEADLINE, in_thread, wait_for_a_waiting_query
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def add_prefix(prefix: str, product: Product | None = None) -> Product:
    product = product or make_product(name=f"Product {prefix}")
    SerialPrefix.objects.create(product=product, prefix=prefix)
    return product


def order(number: str, serial: str, sku: str = "S-1", **line: Any) -> dict[str, Any]:
    return unknown_order(number, sku=sku, line={"licenses": [{"serial": serial}]} | line)


def products() -> dict[str, str | None]:
    """The names of the products by serial number."""
    return dict(License.objects.values_list("serial", "product__name"))


def sku_product(code: str = "S-1") -> str | None:
    name: str | None = Sku.objects.values_list("product__name", flat=True).get(code=code)
    return name


# --- Added -------------------------------------------------------------------------------------------------


def test_the_buyer_sees_the_product_its_download_and_the_devices(importer: Importer) -> None:
    importer.orders(portal_order())
    assert License.objects.get().product is None
    product = add_prefix("XA", make_product(name="Maximum Suite"))
    make_release(product, version="17.8")
    page = f"/orders/{the_order().public_id}/"
    assert "Maximum Suite" not in text(inside(the_order()).get(page))
    update_orders_of_skus()
    shown = text(inside(the_order()).get(page))
    assert "Maximum Suite" in shown
    assert "Download 17.8 for Windows" in shown
    assert "3 devices" in shown
    assert sku_product("MAX-3D-1Y") == LicensedLine.objects.get().product.name == "Maximum Suite"


def test_the_return_period_of_the_product_applies(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    product, bought = make_product(), the_order("A")
    policy = ReturnPolicy.objects.create(store=bought.store, in_force_from=bought.placed_at - timedelta(days=1))
    ReturnException.objects.create(policy=policy, product=product, days=5)
    OrderLine.objects.update(return_until=timezone.now())  # that of the time without a product
    add_prefix("XA", product)
    update_orders_of_skus()
    assert OrderLine.objects.get().return_until - bought.placed_at < timedelta(days=7)


def test_only_the_license_gets_the_product_of_an_upgrade_that_the_store_does_not_report(importer: Importer) -> None:
    importer.orders(order("A", "XA-1", kind="upgrade", extends="XA-1"), order("B", "XA-2", "S-2"))
    add_prefix("XA")
    update_orders_of_skus()
    assert products() == {"XA-1": "Product XA", "XA-2": "Product XA"}
    assert (sku_product(), sku_product("S-2")) == (None, "Product XA")


def test_earlier_orders_of_a_sku_whose_product_a_later_import_found_follow(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    add_prefix("XA")
    importer.orders(order("B", "XA-2"))
    assert products() == {"XA-1": None, "XA-2": "Product XA"}
    update_orders_of_skus()
    assert set(LicensedLine.objects.values_list("product__name", flat=True)) == {"Product XA"}


def test_several_prefixes_at_once_and_without_the_admin(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"), order("B", "XB-1", "S-2"), order("C", "YA-1", "S-3"))
    short, long = make_product(name="Short"), make_product(name="Long")
    SerialPrefix.objects.bulk_create([SerialPrefix(product=short, prefix="X"), SerialPrefix(product=long, prefix="XB")])
    update_orders_of_skus()
    assert products() == {"XA-1": "Short", "XB-1": "Long", "YA-1": None}
    assert [sku_product(code) for code in ("S-1", "S-2", "S-3")] == ["Short", "Long", None]


# --- Corrected ---------------------------------------------------------------------------------------------


def test_a_prefix_moves_to_another_product_with_its_licenses(importer: Importer) -> None:
    add_prefix("XA")
    importer.orders(order("A", "XA-1"))
    update_orders_of_skus()
    assert sku_product() == "Product XA"
    SerialPrefix.objects.update(product=make_product(name="Right one"))
    update_orders_of_skus()
    assert sku_product() == "Right one"
    assert products() == {"XA-1": "Right one"}


def test_a_longer_prefix_takes_its_licenses_over(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"), order("B", "XB-1", "S-2"))
    add_prefix("X")
    update_orders_of_skus()
    Sku.objects.update(product=None)
    LicensedLine.objects.update(product=None)
    add_prefix("XB")
    update_orders_of_skus()
    assert products() == {"XA-1": "Product X", "XB-1": "Product XB"}


def test_a_product_is_deleted_and_a_shorter_prefix_applies(importer: Importer) -> None:
    importer.orders(order("A", "XA-1", ""))
    add_prefix("X")
    product = add_prefix("XA")
    update_orders_of_skus()
    assert products() == {"XA-1": "Product XA"}
    product.delete()
    update_orders_of_skus()
    assert products() == {"XA-1": "Product X"}
    assert list(AppliedPrefix.objects.values_list("prefix", flat=True)) == ["X"]


def test_the_product_of_a_sku_is_corrected_later(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    map_sku(product=make_product(name="Wrong one"))
    map_sku(product=make_product(name="Right one"))
    assert products() == {"XA-1": "Right one"}


def test_a_prefix_changed_during_its_update_is_applied_to_all(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefix_updates, "CHUNK_SIZE", 2)
    importer.orders(*(order(f"A-{number}", f"XA-{number}") for number in range(6)))
    add_prefix("XA")
    update_by_prefixes(until=timezone.now())  # one chunk
    assert AppliedPrefix.objects.get().updated_to == License.objects.order_by("pk")[1].pk
    SerialPrefix.objects.update(product=make_product(name="Right one"))
    update_orders_of_skus()
    assert set(products().values()) == {"Right one"}
    assert sku_product() == "Right one"


# --- What staff decided ------------------------------------------------------------------------------------


def test_a_product_that_staff_chose_or_removed_stays(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"), order("B", "XA-2", "S-2"))
    chosen = make_product(name="Chosen")
    map_sku("S-1", product=chosen)
    map_sku("S-2", product=None)
    add_prefix("XA")
    update_orders_of_skus()
    assert [sku_product(code) for code in ("S-1", "S-2")] == ["Chosen", None]
    assert dict(LicensedLine.objects.values_list("license__serial", "product__name")) == {
        "XA-1": "Chosen",
        "XA-2": None,
    }


def test_a_serial_number_assigned_by_staff_keeps_its_product(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"), unknown_order("B"))
    assign(the_order("B").lines.get(), "ZZ-1", product=make_product(name="Chosen"))
    add_prefix("XA")
    update_orders_of_skus()
    assert products() == {"XA-1": "Product XA", "ZZ-1": "Chosen"}


def test_a_serial_number_assigned_by_staff_without_a_product_gets_it(importer: Importer) -> None:
    importer.orders(unknown_order("B"))
    assign(the_order("B").lines.get(), "XA-9")
    add_prefix("XA")
    update_orders_of_skus()
    assert products() == {"XA-9": "Product XA"}
    assert sku_product() is None  # a number chosen by staff says nothing about what the store sells


# --- The worker --------------------------------------------------------------------------------------------


def test_nothing_is_done_twice(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    add_prefix("XA")
    update_orders_of_skus()
    before = [list(model.objects.values()) for model in (License, LicensedLine, Sku, AppliedPrefix)]
    with CaptureQueriesContext(connection) as queries:
        update_by_prefixes(timezone.now())
    assert len(queries) == 4  # two small tables, and a savepoint
    assert [list(model.objects.values()) for model in (License, LicensedLine, Sku, AppliedPrefix)] == before


@pytest.mark.django_db(transaction=True)
def test_without_anything_to_do_the_worker_does_not_wait_for_an_import(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    add_prefix("XA")
    update_orders_of_skus()
    with transaction.atomic():
        lock_imports()
        thread, results = in_thread(update_orders_of_skus)
        thread.join(DEADLINE)
        assert results == [None]


@pytest.mark.django_db(transaction=True)
def test_a_running_import_is_waited_for(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    add_prefix("XA")
    with transaction.atomic():
        lock_imports()
        thread, results = in_thread(update_orders_of_skus)
        wait_for_a_waiting_query()
        assert products() == {"XA-1": None}
    thread.join(DEADLINE)
    assert results == [None]
    assert products() == {"XA-1": "Product XA"}


@pytest.mark.django_db(transaction=True)
def test_several_workers_share_the_licenses(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_updates, "CHUNK_SIZE", 3)
    importer.orders(*(order(f"A-{number}", f"XA-{number}") for number in range(20)))
    add_prefix("XA")
    workers = [in_thread(update_orders_of_skus) for _number in range(3)]
    for thread, results in workers:
        thread.join(DEADLINE)
        assert results == [None]
    assert set(products().values()) == {"Product XA"}
    assert Sku.objects.get().update_requested_at is None


def test_a_chunk_is_all_that_is_loaded_at_once(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_updates, "CHUNK_SIZE", 5)
    importer.orders(*(order(f"A-{number}", f"XA-{number}") for number in range(23)))
    loaded: list[int] = []
    recompute = prefix_updates.recompute

    def count_loaded(license_ids: Collection[int]) -> None:
        loaded.append(len(license_ids))
        recompute(license_ids)

    monkeypatch.setattr(prefix_updates, "recompute", count_loaded)
    add_prefix("XA")
    update_by_prefixes(timezone.now() + timedelta(minutes=1))
    assert loaded == [5, 5, 5, 5, 3]
    assert set(products().values()) == {"Product XA"}


def test_the_queries_do_not_grow_with_the_licenses(importer: Importer) -> None:
    counts = []
    for prefix, count in (("XA", 2), ("YB", 40)):
        sku = f"S-{prefix}"
        importer.orders(*(order(f"{prefix}-{number}", f"{prefix}-{number}", sku) for number in range(count)))
        add_prefix(prefix)
        with CaptureQueriesContext(connection) as queries:
            update_orders_of_skus()
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 70


# --- Undoing an import -------------------------------------------------------------------------------------


def test_an_import_can_be_undone_after_its_licenses_got_a_product(importer: Importer) -> None:
    importer.orders(order("A", "XA-1"))
    run = ImportRun.objects.get()
    add_prefix("XA")
    update_orders_of_skus()
    undo_run(run)
    assert not Order.objects.exists()
    assert not License.objects.exists()
    assert not Sku.objects.exists()


def test_an_undone_change_leaves_the_product_that_was_found_since(importer: Importer) -> None:
    importer.orders(unknown_order("A"))
    importer.orders(order("A", "XA-1"))
    add_prefix("XA")
    update_orders_of_skus()
    undo_run(ImportRun.objects.latest("pk"))
    assert sku_product() == "Product XA"
    assert not License.objects.exists()
    assert not ImportedObject.objects.filter(run=ImportRun.objects.latest("pk"), undone_at=None).exists()


# --- The admin ---------------------------------------------------------------------------------------------


def save_product(client: Client, product: Product, *prefixes: str) -> str:
    """Add prefixes on the product's page. Returns what the next page says."""
    form = {"name": product.name, "slug": product.slug, "device_releases_a_year": "5", "serial_pattern": ""}
    rows = {f"prefixes-{number}-prefix": prefix for number, prefix in enumerate(prefixes)}
    management = {"prefixes-TOTAL_FORMS": str(len(prefixes)), "prefixes-INITIAL_FORMS": "0"}
    answer = client.post(f"/admin/licenses/product/{product.pk}/change/", form | rows | management, follow=True)
    return text(answer)


@pytest.fixture
def staff_client(client: Client) -> Client:
    client.force_login(make_agent(is_superuser=True))
    return client


def test_staff_are_told_that_earlier_orders_follow(importer: Importer, staff_client: Client) -> None:
    importer.orders(order("A", "XA-1"))
    shown = save_product(staff_client, make_product(name="Suite"), "xa-")  # typed as it looks
    assert "Earlier orders with these serial numbers are updated in the background." in shown
    update_orders_of_skus()
    assert products() == {"XA-1": "Suite"}


def test_two_products_cannot_have_the_same_prefix(staff_client: Client) -> None:
    add_prefix("XA")
    other = make_product(name="Other")
    assert "The prefix XA belongs to Product XA. Remove it there first." in save_product(staff_client, other, "xa")
    with pytest.raises(IntegrityError), transaction.atomic():
        add_prefix("XA", other)
    assert SerialPrefix.objects.get().product.name == "Product XA"
