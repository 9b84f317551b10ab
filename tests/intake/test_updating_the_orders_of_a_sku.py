"""A worker updates earlier orders in chunks, at the same time as imports, other workers, buyers and staff."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from intake.ingest import run
from intake.services import sku_mappings
from intake.services.sku_mappings import update_requested
from intake.tasks import update_orders_of_skus
from licenses.models import License, LicensedLine, Sku
from licenses.services.skus import map_skus
from orders.models import Order, OrderLine
from refunds.models import Return
from refunds.services import returns
from tests.factories import make_product, make_reason
from tests.intake.exports import Importer, the_order
from tests.intake.sku_mappings import kinds, map_sku, unknown_order
from tests.intake.test_interrupted_and_racing_undos import DEADLINE, in_thread, wait_for_a_waiting_query

Kind = OrderLine.Kind


def orders(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        unknown_order(f"A-{number}", line={"licenses": [{"serial": f"XA-{number}", "expires_on": "2027-11-01"}]})
        for number in range(first, first + count)
    ]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sku_mappings, "CHUNK_SIZE", 3)


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_a_stopped_worker_is_taken_up_where_it_was(importer: Importer) -> None:
    importer.orders(*orders(10))
    map_sku(kind=Kind.RENEWAL, updated=False)
    now = timezone.now()
    update_requested(until=now)  # one chunk
    assert kinds() == ["renewal"] * 3 + ["new"] * 7
    assert Sku.objects.get().updated_to == Order.objects.order_by("pk")[2].pk
    OrderLine.objects.filter(kind="renewal").update(kind="upgrade")  # would be changed again from the start
    update_orders_of_skus()
    assert kinds() == ["upgrade"] * 3 + ["renewal"] * 7
    assert Sku.objects.get().update_requested_at is None


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_a_chunk_is_done_as_a_whole_or_not_at_all(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    importer.orders(*orders(5))
    map_sku(kind=Kind.RENEWAL, product=make_product(), updated=False)
    update_licenses, calls = sku_mappings.update_licenses_of_orders, []

    def stop_at_the_second(order_ids: set[int]) -> None:
        calls.append(order_ids)
        if len(calls) == 2:
            raise KeyboardInterrupt
        update_licenses(order_ids)

    monkeypatch.setattr(sku_mappings, "update_licenses_of_orders", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        update_orders_of_skus()
    assert kinds() == ["renewal"] * 3 + ["new"] * 2
    assert LicensedLine.objects.exclude(product=None).count() == License.objects.exclude(product=None).count() == 3
    monkeypatch.undo()
    update_orders_of_skus()
    assert kinds() == ["renewal"] * 5
    assert License.objects.exclude(product=None).count() == 5


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_what_staff_change_meanwhile_counts_for_all_orders(importer: Importer) -> None:
    importer.orders(*orders(8))
    map_sku(kind=Kind.RENEWAL, updated=False)
    update_requested(until=timezone.now())
    map_sku(kind=Kind.UPGRADE)
    assert kinds() == ["upgrade"] * 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_chunks")
def test_a_change_in_the_middle_of_a_chunk_is_not_lost(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    importer.orders(*orders(2))
    sku = map_sku(kind=Kind.RENEWAL, updated=False)
    next_orders = sku_mappings._next_orders
    changed: list[bool] = []

    def change_meanwhile(found: Sku) -> list[int]:
        order_ids = next_orders(found)
        if not order_ids and not changed:  # the last transaction, which would end the request
            changed.append(True)
            thread, _results = in_thread(lambda: map_skus([sku.pk], kind=Kind.UPGRADE))
            thread.join(DEADLINE)
        return order_ids

    monkeypatch.setattr(sku_mappings, "_next_orders", change_meanwhile)
    update_orders_of_skus()
    assert changed
    assert kinds() == ["upgrade"] * 2
    assert Sku.objects.get().update_requested_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_chunks")
def test_several_workers_share_the_orders(importer: Importer) -> None:
    importer.orders(*orders(30))
    map_sku(kind=Kind.RENEWAL, product=make_product(), updated=False)
    workers = [in_thread(update_orders_of_skus) for _number in range(3)]
    for thread, results in workers:
        thread.join(DEADLINE)
        assert results == [None]
    assert kinds() == ["renewal"] * 30
    assert not License.objects.filter(product=None).exists()
    assert Sku.objects.get().update_requested_at is None


@pytest.mark.django_db(transaction=True)
def test_an_import_that_read_the_sku_before_the_change_is_updated_too(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer.orders(unknown_order("FIRST"))
    product = make_product()
    merge_record, done = run.merge_record, []
    workers: list[tuple[threading.Thread, list[object]]] = []

    def merging(*arguments: Any) -> bool:
        merged = merge_record(*arguments)
        if not done:
            done.append(True)
            sku = Sku.objects.get()
            thread, _results = in_thread(lambda: map_skus([sku.pk], kind=Kind.RENEWAL, product=product))
            thread.join(DEADLINE)
            workers.append(in_thread(update_orders_of_skus))
            wait_for_a_waiting_query()  # the worker waits for the import
        return merged

    monkeypatch.setattr(run, "merge_record", merging)
    assert importer.orders(*orders(3)).tally == (3, 0, 0, 0)
    thread, results = workers[0]
    thread.join(DEADLINE)
    assert results == [None]
    assert kinds() == ["renewal"] * 4
    assert set(License.objects.values_list("product", flat=True)) == {product.pk}


@pytest.mark.django_db(transaction=True)
def test_a_product_that_staff_choose_during_an_import_stays(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    guessed, chosen = make_product(), make_product()
    guessed.prefixes.create(prefix="XA")
    importer.orders(unknown_order("FIRST"))
    sku = Sku.objects.get()
    merge_record = run.merge_record

    def merging(*arguments: Any) -> bool:
        merged = merge_record(*arguments)
        thread, _results = in_thread(lambda: map_skus([sku.pk], product=chosen))
        thread.join(DEADLINE)
        return merged

    monkeypatch.setattr(run, "merge_record", merging)
    importer.orders(*orders(1))
    sku.refresh_from_db()
    assert sku.product == chosen
    update_orders_of_skus()
    assert License.objects.get().product == chosen


@pytest.mark.django_db(transaction=True)
def test_a_buyer_who_holds_an_order_and_the_worker_wait_for_each_other(importer: Importer) -> None:
    importer.orders(unknown_order(placed_at=timezone.now().isoformat()))
    map_sku(kind=Kind.RENEWAL, updated=False)
    order = the_order()
    with transaction.atomic():
        returns.request_return(order, [returns.RequestedLine(order.lines.get().pk, 1)], make_reason())
        thread, results = in_thread(update_orders_of_skus)
        wait_for_a_waiting_query()
    thread.join(DEADLINE)
    assert results == [None]
    assert kinds() == ["renewal"]
    assert Return.objects.get().order == order


@pytest.mark.django_db(transaction=True)
def test_5000_lines_are_updated_and_no_order_is_held_for_long(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer.orders(*orders(5000))
    map_sku(kind=Kind.RENEWAL, product=make_product(), updated=False)
    locked: list[int] = []
    write_lines = sku_mappings._write_lines

    def count_locked(lines: Any) -> None:
        write_lines(lines)
        locked.append(in_another_connection(unlocked_orders))

    monkeypatch.setattr(sku_mappings, "_write_lines", count_locked)
    with CaptureQueriesContext(connection) as queries:
        update_orders_of_skus()
    assert set(locked) == {4500}  # of 5000 orders, one chunk is locked
    assert len(queries) < 10 * 40
    assert set(OrderLine.objects.values_list("kind", flat=True)) == {"renewal"}
    assert not License.objects.filter(product=None).exists()


def unlocked_orders() -> int:
    with transaction.atomic():
        return len(Order.objects.select_for_update(skip_locked=True).values_list("pk"))


def in_another_connection(action: Callable[[], int]) -> int:
    thread, results = in_thread(action)
    thread.join(DEADLINE)
    (result,) = results
    assert isinstance(result, int), result
    return result


@pytest.mark.django_db
def test_without_anything_to_do_the_worker_does_not_wait_for_imports(importer: Importer) -> None:
    importer.orders(unknown_order())
    with CaptureQueriesContext(connection) as queries:
        update_orders_of_skus()
    assert not [query for query in queries if "advisory" in query["sql"]]


@pytest.mark.django_db
def test_the_queries_of_a_chunk_do_not_grow_with_its_lines(importer: Importer) -> None:
    counts = []
    for count in (2, 20):
        importer.orders(*orders(count, first=count * 100))
        map_sku(kind=Kind.RENEWAL if count == 2 else Kind.UPGRADE, product=make_product(), updated=False)
        with CaptureQueriesContext(connection) as queries:
            update_orders_of_skus()
        counts.append(len(queries))
    assert counts[0] == counts[1]
