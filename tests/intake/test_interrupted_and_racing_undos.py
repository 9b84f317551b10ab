"""An interrupted undo continues where it stopped. Undos, imports and buyers wait for each other."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from intake.ingest.locks import lock_imports
from intake.models import ImportChange, ImportRun
from intake.models.runs import try_lock_run, unlock_run
from intake.services import undo as undo_service
from intake.services.undo import request_undo, undo_run
from intake.tasks import undo_requested_imports
from licenses.models import License
from notifications.models import Message
from orders.models import Order
from refunds.models import Return
from refunds.services import returns
from tests.factories import make_reason
from tests.intake.exports import Importer, portal_order, the_order
from tests.intake.import_runs import content, differences, undo

DEADLINE = 60  # seconds


def ten_orders() -> list[dict[str, Any]]:
    return [portal_order(number=f"A-{number}") for number in range(10)]


@pytest.mark.django_db
def test_a_stopped_undo_is_taken_up_again(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_service, "BATCH_SIZE", 3)
    before = content()
    result = importer.orders(*ten_orders())
    delete_orders, calls = undo_service.delete_orders, []

    def stop_at_the_third(order_ids: list[int]) -> None:
        calls.append(order_ids)
        if len(calls) == 3:
            raise KeyboardInterrupt
        delete_orders(order_ids)

    monkeypatch.setattr(undo_service, "delete_orders", stop_at_the_third)
    assert undo(result).exit_status == 130
    run = ImportRun.objects.get()
    assert (Order.objects.count(), run.state, run.orders_deleted) == (4, "partly_undone", 6)
    monkeypatch.setattr(undo_service, "delete_orders", delete_orders)
    assert undo(result).tally == (4, 0, 0)
    run.refresh_from_db()
    assert (run.state, run.orders_deleted) == ("undone", 10)
    assert differences(before, content()) == {}


@pytest.mark.django_db
def test_an_undo_stops_when_its_time_is_over(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_service, "BATCH_SIZE", 4)
    result = importer.orders(*ten_orders())
    run = ImportRun.objects.get(pk=result.counts["run"])
    report = undo_run(run, until=timezone.now())
    assert (report.deleted, report.is_complete) == (4, False)
    assert undo_run(run).is_complete
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_the_worker_finishes_what_the_admin_asked_for(importer: Importer) -> None:
    result = importer.orders(*ten_orders())
    run = ImportRun.objects.get(pk=result.counts["run"])
    undo_requested_imports()
    assert Order.objects.count() == 10
    request_undo(run, "sue")
    undo_requested_imports()
    run.refresh_from_db()
    assert (run.state, run.undone_by_name, run.undo_requested_at) == ("undone", "sue", None)
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_a_request_for_an_import_that_became_too_old_is_dropped(importer: Importer) -> None:
    importer.orders(*ten_orders())
    run = ImportRun.objects.get()
    request_undo(run, "sue")
    ImportRun.objects.update(started_at=timezone.now() - timedelta(days=31))
    undo_requested_imports()
    run.refresh_from_db()
    assert (run.state, run.undo_requested_at, Order.objects.count()) == ("finished", None, 10)


@pytest.mark.django_db
def test_an_order_that_the_database_refuses_to_delete_keeps_no_other(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example, if something refers to an order that no check covers."""
    result = importer.orders(*ten_orders())
    order = the_order("A-7")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE another (order_id bigint REFERENCES orders_order DEFERRABLE INITIALLY DEFERRED)")
        cursor.execute("INSERT INTO another VALUES (%s)", [order.pk])
    undone = undo(result)
    assert (undone.exit_status, undone.tally, undone.codes) == (1, (9, 0, 1), {"A-7": {"referenced"}})
    assert order.lines.count() == 2


def in_thread(action: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run the action on a separate connection. The list gets its result, or its exception."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def wait_for_a_waiting_query() -> None:
    """Wait until another connection waits for a lock of this one."""
    end = timezone.now() + timedelta(seconds=DEADLINE)
    with connection.cursor() as cursor:
        while timezone.now() < end:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    pytest.fail("Nobody waits.")


@pytest.mark.django_db(transaction=True)
def test_a_return_that_is_requested_at_the_same_moment_keeps_its_order(importer: Importer) -> None:
    result = importer.orders(portal_order(placed_at=timezone.now().isoformat()))
    Message.objects.all().delete()
    order = the_order()
    reason = make_reason()
    with transaction.atomic():
        returns.request_return(order, [returns.RequestedLine(order.lines.get(position=1).pk, 1)], reason)
        thread, results = in_thread(lambda: undo_run(ImportRun.objects.get(pk=result.counts["run"])))
        wait_for_a_waiting_query()
    thread.join(DEADLINE)
    (report,) = results
    assert isinstance(report, undo_service.UndoReport), report
    assert (report.deleted, report.kept) == (0, 1)
    assert Return.objects.get().order == order


@pytest.mark.django_db(transaction=True)
def test_a_buyer_who_comes_a_moment_too_late_finds_no_order(importer: Importer) -> None:
    result = importer.orders(portal_order(placed_at=timezone.now().isoformat()))
    Message.objects.all().delete()
    order = the_order()
    line = order.lines.get(position=1)
    reason = make_reason()
    with transaction.atomic():
        undone = undo(result)
        thread, results = in_thread(lambda: returns.request_return(order, [returns.RequestedLine(line.pk, 1)], reason))
        wait_for_a_waiting_query()
    thread.join(DEADLINE)
    assert undone.tally == (1, 0, 0)
    assert isinstance(results[0], Order.DoesNotExist)
    assert not Return.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_undo_waits_for_an_import(importer: Importer) -> None:
    result = importer.orders(portal_order())
    with transaction.atomic():
        lock_imports()
        thread, results = in_thread(lambda: undo_run(ImportRun.objects.get(pk=result.counts["run"])))
        wait_for_a_waiting_query()
        # The import that is writing gets a second order of the license.
        License.objects.get().licensed_lines.update(devices=4)
    thread.join(DEADLINE)
    (report,) = results
    assert isinstance(report, undo_service.UndoReport), report
    assert (report.deleted, report.kept) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_still_running_is_not_undone(importer: Importer) -> None:
    result = importer.orders(portal_order())
    number = result.counts["run"]
    assert try_lock_run(number)
    try:
        thread, results = in_thread(lambda: undo(number))
        thread.join(DEADLINE)
    finally:
        unlock_run(number)
    undone: Any = results[0]
    assert undone.exit_status == 2
    assert "still running" in undone.said
    assert undo(number).exit_status == 0
    assert not ImportChange.objects.filter(undone_at=None).exists()
