"""Each import is a run: who, when, from which files, and with which results."""

import getpass
import hashlib
from collections.abc import Iterator

import pytest
from django.db import OperationalError

from intake.feed import RawItem
from intake.feeds import portal
from intake.format_detection import detect_format
from intake.ingest import run as ingest_run
from intake.models import ImportChange, ImportReject, ImportRun
from intake.models.runs import try_lock_run, unlock_run
from intake.services.imports import run_import as run_import_service
from intake.source_file import SourceFile
from tests.factories import make_agent
from tests.intake.exports import Importer, json_lines, portal_order, run_import, shopify_row, table

pytestmark = pytest.mark.django_db


def test_an_import_is_kept_with_its_files_and_counts(importer: Importer) -> None:
    first, second = importer.folder / "a.jsonl", importer.folder / "b.csv"
    first.write_text(json_lines(portal_order(), portal_order(number="B", currency="euro")))
    second.write_text(table(shopify_row()))
    result = run_import(first, second, store="shop")
    run = ImportRun.objects.get(pk=result.counts["run"])
    assert (run.source, run.state) == ("command", "finished")
    assert (run.started_by, run.started_by_name) == (None, getpass.getuser())
    assert (run.read, run.created, run.updated, run.unchanged, run.rejected) == (3, 2, 0, 0, 1)
    assert run.started_at <= run.updated_at <= (run.finished_at or run.started_at)
    files = list(run.files.order_by("pk"))
    assert [(file.name, file.format, file.store) for file in files] == [
        ("a.jsonl", "portal", "shop"),
        ("b.csv", "shopify", "shop"),
    ]
    assert files[0].sha256 == hashlib.sha256(first.read_bytes()).hexdigest()
    assert files[1].size == second.stat().st_size
    reject = ImportReject.objects.get(run=run)
    assert (reject.file, reject.line, reject.code) == (files[0], 2, "unknown_currency")
    assert "currency" in reject.text


def test_a_dry_run_is_not_in_the_history(importer: Importer) -> None:
    result = importer.orders(portal_order(), portal_order(number="B", currency="euro"), dry_run=True)
    assert result.counts["run"] is None
    assert not ImportRun.objects.exists()
    assert not ImportReject.objects.exists()
    assert not ImportChange.objects.exists()


def test_an_import_that_changes_nothing_is_kept_and_has_nothing_to_undo(importer: Importer) -> None:
    importer.orders(portal_order())
    again = importer.orders(portal_order())
    run = ImportRun.objects.get(pk=again.counts["run"])
    assert (run.read, run.unchanged) == (1, 1)
    assert not ImportChange.objects.filter(run=run).exists()


def test_warnings_are_kept_with_their_count_and_the_first_of_them(importer: Importer) -> None:
    addresses = ["vİctim@gmail.com", "vİctor@gmail.com"]
    result = importer.orders(*[portal_order(number=email[:5], email=email) for email in addresses])
    run = ImportRun.objects.get(pk=result.counts["run"])
    assert run.warnings == result.counts["warnings"]
    assert [(each["code"], each["count"]) for each in run.warnings] == [("ambiguous_address", 2)]


def test_the_service_names_the_user_and_keeps_the_options(importer: Importer) -> None:
    path = importer.folder / "orders.jsonl"
    path.write_text(json_lines(portal_order()))
    agent = make_agent(username="sue")
    report = run_import_service(
        [detect_format(SourceFile(path), None, "")],
        source=ImportRun.Source.UPLOAD,
        started_by=agent,
        options={"encoding": "utf-8"},
    )
    assert report.run is not None
    agent.delete()
    run = ImportRun.objects.get(pk=report.run.pk)
    assert (run.source, run.started_by, run.started_by_name) == ("upload", None, "sue")
    assert run.options == {"encoding": "utf-8"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OperationalError("gone"), ZeroDivisionError])
def test_an_import_that_ends_early_is_marked_as_interrupted(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | BaseException
) -> None:
    monkeypatch.setattr(ingest_run, "BATCH_SIZE", 2)
    read_items = portal.FEED.read_items

    def read_some(*arguments: object) -> Iterator[RawItem]:
        for number, item in enumerate(read_items(*arguments)):  # type: ignore[arg-type]
            if number == 3:
                raise error
            yield item

    object.__setattr__(portal.FEED, "read_items", read_some)
    try:
        if error is ZeroDivisionError:
            with pytest.raises(ZeroDivisionError):
                importer.orders(*[portal_order(number=f"A-{number}") for number in range(6)])
        else:
            assert importer.orders(*[portal_order(number=f"A-{number}") for number in range(6)]).exit_status in (1, 130)
    finally:
        object.__setattr__(portal.FEED, "read_items", read_items)
    run = ImportRun.objects.get()
    assert run.state == "interrupted"
    assert run.created == ImportChange.objects.filter(run=run).count() == 2
    assert not ImportRun.objects.with_activity().get().is_at_work


def test_a_run_whose_process_died_is_shown_as_interrupted(importer: Importer) -> None:
    result = importer.orders(portal_order())
    run = ImportRun.objects.get(pk=result.counts["run"])
    ImportRun.objects.update(state="running")  # as left by a killed process
    assert ImportRun.objects.with_activity().get().shown_state == "interrupted"
    assert try_lock_run(run.pk)
    try:
        assert ImportRun.objects.with_activity().get().shown_state == "running"
    finally:
        unlock_run(run.pk)


def test_names_and_reasons_that_a_database_can_not_hold_are_no_obstacle(importer: Importer) -> None:
    woo = '[{"id": 1, "number": "7", "status": "pa\\u0000\\ud800id", "date_created_gmt": "2026-11-01T10:00:00"}]'
    path = importer.folder / b"orders\xff.json".decode("utf-8", "surrogateescape")
    path.write_text(woo)
    result = run_import(path, store="shop", format="woocommerce")
    assert result.tally == (0, 0, 0, 1)
    assert ImportRun.objects.get(pk=result.counts["run"]).rejected == 1
