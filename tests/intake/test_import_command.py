"""The output of `import_orders`, and what is kept when it is stopped."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from intake.feeds import portal
from intake.ingest import run, saving
from orders.models import Order, OrderLine, Store
from tests.intake.exports import Importer, json_lines, portal_order, run_import, shopify_row, table

pytestmark = pytest.mark.django_db


def test_the_result_is_one_line_of_json_at_the_end(importer: Importer) -> None:
    path = importer.folder / "orders.jsonl"
    path.write_text(json_lines(portal_order(), portal_order(number="B", currency="euro")))
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("import_orders", str(path), json=True, stdout=out, stderr=StringIO())
    assert ended.value.code == 1
    last = json.loads(out.getvalue().splitlines()[-1])
    assert {key: last[key] for key in ("read", "created", "updated", "unchanged", "rejected")} == {
        "read": 2,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
    }
    assert last["seconds"] >= 0


def test_a_dry_run_counts_as_the_import_would_and_writes_nothing(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 2)
    importer.orders(portal_order(number="A"))
    orders = [portal_order(number=number, email="new@example.com") for number in ("A", "B", "C", "B", "D")]
    orders[3]["email"] = "newer@example.com"
    dry = importer.orders(*orders, dry_run=True)
    assert (Order.objects.count(), Order.objects.get().store_email) == (1, "ann@example.com")
    assert dry.counts["dry_run"] is True
    assert "Nothing was saved." in dry.said
    assert importer.orders(*orders).tally == dry.tally == (3, 2, 0, 0)


def test_a_store_that_the_file_does_not_name_is_asked_for(importer: Importer) -> None:
    result = importer.shopify(shopify_row(), store="")
    assert result.exit_status == 2
    assert "--store" in result.said
    assert importer.shopify(shopify_row(), store="no slug!").exit_status == 2
    assert not Store.objects.exists()


def test_one_unusable_file_among_several_stops_all_before_anything_is_written(importer: Importer) -> None:
    good = importer.folder / "good.jsonl"
    good.write_text(json_lines(portal_order()))
    assert run_import(good, importer.folder / "none.jsonl").exit_status == 2
    assert not Order.objects.exists()


def test_several_files_are_counted_together(importer: Importer) -> None:
    first, second = importer.folder / "a.jsonl", importer.folder / "b.csv"
    first.write_text(json_lines(portal_order()))
    second.write_text(table(shopify_row()))
    assert run_import(first, second, store="shop").tally == (2, 0, 0, 0)


def test_an_interrupted_import_keeps_whole_batches_and_can_be_run_again(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 3)
    orders = [portal_order(number=f"A-{number}") for number in range(10)]
    guess = portal._guess_key

    def interrupting(text: str) -> tuple[str, str] | None:
        if '"A-7"' in text:
            raise KeyboardInterrupt
        return guess(text)

    monkeypatch.setattr(portal, "_guess_key", interrupting)
    result = importer.orders(*orders)
    assert result.exit_status == 130
    assert "Stopped" in result.said
    assert Order.objects.count() == 6
    assert OrderLine.objects.count() == 12
    monkeypatch.setattr(portal, "_guess_key", guess)
    assert importer.orders(*orders).tally == (4, 0, 6, 0)


def test_a_database_that_goes_away_leaves_no_half_written_order(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 3)
    calls = iter(range(9))

    write = saving.write_batch

    def failing(batch: run.Batch, now: datetime) -> None:
        write(batch, now)
        if next(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly\nmore")

    monkeypatch.setattr(saving, "write_batch", failing)
    result = importer.orders(*(portal_order(number=f"A-{number}") for number in range(5)))
    assert result.exit_status == 1
    assert "connection was lost" in result.said
    assert (Order.objects.count(), OrderLine.objects.count()) == (3, 6)


def test_only_the_order_that_the_database_refuses_is_rejected(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = saving.write_batch

    def refusing(batch: run.Batch, now: object) -> None:
        if any(order.columns["number"] == "A-5" for order in batch.orders.values()):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        write(batch, now)

    monkeypatch.setattr(saving, "write_batch", refusing)
    result = importer.orders(*(portal_order(number=f"A-{number}") for number in range(9)))
    assert result.tally == (8, 0, 0, 1)
    assert "line 6: The database rejected this order" in result.said


def queries(importer: Importer, orders: list[dict[str, object]]) -> int:
    with CaptureQueriesContext(connection) as captured:
        importer.orders(*orders)
    return len(captured)


def test_a_batch_needs_as_many_queries_for_one_order_as_for_many(importer: Importer) -> None:
    def some(count: int, **changes: object) -> list[dict[str, object]]:
        return [
            portal_order(
                number=f"{count}-{number}",
                lines=[{"id": "1", "sku": "S", "name": "N", "licenses": [{"serial": f"X{count}Y{number}"}]}],
                **changes,
            )
            for number in range(count)
        ]

    importer.orders(portal_order(lines=[{"id": "1", "sku": "S", "name": "N"}]))
    assert queries(importer, some(1)) == queries(importer, some(60))
    assert queries(importer, some(1, email="b@example.com")) == queries(importer, some(60, email="b@example.com"))
    assert queries(importer, some(1, email="b@example.com")) == queries(importer, some(60, email="b@example.com"))
