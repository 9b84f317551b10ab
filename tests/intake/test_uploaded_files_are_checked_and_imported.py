"""An uploaded file is checked and imported by a worker in steps, and deleted afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from files.models import private_storage
from intake.ingest import run as ingest_run
from intake.models import ImportRun, ImportUpload, StatusMeaning
from intake.models.mappings import try_lock_upload, unlock_upload
from intake.services import import_steps
from intake.services.undo import RunBusy, undo_run
from intake.services.upload_samples import show_sample
from intake.services.upload_work import request_check, request_import, work_on_uploads
from intake.services.uploads import discard, find_source, inspect, local_copy, store_upload
from intake.tasks import delete_old_import_details, work_on_uploaded_files
from notifications.models import Message
from orders.models import Order, Store
from tests.intake.exports import table
from tests.intake.mapped_tables import GERMAN_COLUMNS, german_row, make_mapping

pytestmark = pytest.mark.django_db

State = ImportUpload.State


def upload(*rows: dict[str, str], content: str = "", mapped: bool = True, name: str = "sales.csv") -> ImportUpload:
    if mapped:
        make_mapping(GERMAN_COLUMNS, statuses={"bezahlt": "completed"}, date_order="dmy", decimal_sign=",")
    store, _created = Store.objects.get_or_create(slug="old-shop", defaults={"name": "Old shop"})
    user, _created = User.objects.get_or_create(username="ann")
    text = content or table(*rows, delimiter=";")
    return store_upload(ContentFile(text.encode()), name, store, user)


def rows(count: int, **changes: str) -> list[dict[str, str]]:
    return [german_row(Bestellnummer=f"R-{number}", Seriennummer="", **changes) for number in range(1, count + 1)]


def check(stored: ImportUpload) -> import_steps.Preview:
    assert request_check(stored)
    work_on_uploaded_files()
    stored.refresh_from_db()
    return import_steps.Preview.from_json(stored.preview)


def test_the_preview_says_what_would_happen_and_changes_nothing() -> None:
    odd = german_row(Bestellnummer="R-9", Status="kurios")
    undated = german_row(Bestellnummer="R-8", Bestelldatum="")
    stored = upload(*rows(3), german_row(Bestellnummer="R-7", Währung="CHF", Einzelpreis="1,00"), odd, undated)
    preview = check(stored)
    assert stored.state == State.CHECKED
    assert (preview.read, preview.created, preview.rejected) == (6, 4, 2)
    assert preview.sums == [
        {"currency": "CHF", "status": "completed", "count": 1, "total": "1079.90"},
        {"currency": "EUR", "status": "completed", "count": 3, "total": "3239.70"},
    ]
    assert {(each["code"], each["count"]) for each in preview.rejects} == {("unknown_status", 1), ("missing_date", 1)}
    assert [each["code"] for each in preview.warnings] == ["totals_differ"]
    assert preview.unknown_statuses == ["kurios"]
    assert [each["line"] for each in preview.first_rejects] == [6, 7]
    assert not Order.objects.exists()
    assert not ImportRun.objects.exists()
    assert not StatusMeaning.objects.filter(word="kurios").exists()


def test_the_import_brings_what_the_preview_says() -> None:
    stored = upload(*rows(3), german_row(Bestellnummer="R-9", Status="kurios"))
    preview = check(stored)
    user = User.objects.get()
    assert request_import(stored, user)
    assert not request_import(stored, user)
    work_on_uploaded_files()
    stored.refresh_from_db()
    run = ImportRun.objects.get()
    assert (stored.state, stored.run, run.state, run.source) == (State.IMPORTED, run, "finished", "upload")
    assert (run.created, run.rejected) == (preview.created, preview.rejected)
    assert (run.started_by, run.options["mapping"], run.files.get().name) == (user, "sales (version 1)", "sales.csv")
    assert not private_storage().exists(stored.stored_name)


def test_nothing_is_imported_that_was_not_checked() -> None:
    stored = upload(*rows(1))
    assert not request_import(stored, User.objects.get())
    stored.refresh_from_db()
    assert request_check(stored)
    assert not request_import(stored, User.objects.get())
    assert not Order.objects.exists()


def test_a_large_file_is_checked_and_imported_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_run, "BATCH_SIZE", 3)
    stored = upload(*rows(10), german_row(Bestellnummer="R-x", Status="kurios"))
    request_check(stored)
    steps = 0
    while stored.state == State.CHECKING:
        work_for_one_item(monkeypatch)
        stored.refresh_from_db()
        steps += 1
    preview = import_steps.Preview.from_json(stored.preview)
    assert steps > 3
    assert (preview.read, preview.created, preview.rejected, preview.sums[0]["count"]) == (11, 10, 1, 10)
    request_import(stored, User.objects.get())
    steps = 0
    while stored.state == State.IMPORTING:
        work_for_one_item(monkeypatch)
        stored.refresh_from_db()
        steps += 1
        if stored.state == State.IMPORTING:
            run = ImportRun.objects.with_activity().get()
            assert run.shown_state == "running"
            with pytest.raises(RunBusy):
                undo_run(run)
    assert steps > 3
    run = ImportRun.objects.get()
    assert (run.read, run.created, run.rejected) == (11, 10, 1)
    assert (run.reject_counts[0]["count"], run.rejects.count()) == (1, 1)
    assert Order.objects.count() == 10


def work_for_one_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a step that ends after its first item."""
    work_on_uploads(timezone.now() + timedelta(microseconds=1))


def test_only_one_worker_works_on_a_file() -> None:
    stored = upload(*rows(1))
    request_check(stored)
    assert try_lock_upload(stored.pk)  # as another worker does
    try:
        work_on_uploaded_files()
    finally:
        unlock_upload(stored.pk)
    stored.refresh_from_db()
    assert stored.state == State.CHECKING
    work_on_uploaded_files()
    stored.refresh_from_db()
    assert stored.state == State.CHECKED


def test_an_import_that_was_undone_is_not_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_run, "BATCH_SIZE", 1)
    stored = upload(*rows(3))
    check(stored)
    request_import(stored, User.objects.get())
    work_for_one_item(monkeypatch)
    ImportUpload.objects.update(state=State.FAILED)
    undo_run(ImportRun.objects.get())
    stored.refresh_from_db()
    assert request_import(stored, User.objects.get())
    work_on_uploaded_files()
    stored.refresh_from_db()
    assert (stored.state, "undone" in stored.problem) == (State.FAILED, True)
    assert not Order.objects.exists()


def test_an_unexpected_error_is_shown_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = upload(*rows(1))

    def fail(*args: Any) -> None:
        raise RuntimeError("secret")

    with monkeypatch.context() as patched:
        patched.setattr("intake.services.upload_work.check_step", fail)
        check(stored)
    assert stored.state == State.FAILED
    assert "secret" not in stored.problem
    assert check(stored).created == 1


def test_inspecting_a_file_shows_what_is_needed() -> None:
    assert inspect(upload(*rows(1))).source is not None
    unknown = upload(content="Foo;Bar\n1;2\n", mapped=False)
    assert inspect(unknown).needs_mapping
    assert "an image" not in inspect(upload(content="\x89PNG\r\n", mapped=False)).problem
    shopify = upload(content="Name,Email,Financial Status,Lineitem name\n#1,a@example.com,paid,A\n", mapped=False)
    found = inspect(shopify).source
    assert found is not None
    assert found.feed.name == "shopify"


def test_sample_orders_look_like_real_ones_and_are_deleted_afterwards() -> None:
    stored = upload(*rows(12), german_row(Bestellnummer="R-99", Status="kurios"))
    with local_copy(stored) as path:
        shown = show_sample(
            find_source(stored, path),
            lambda orders: [(order.number, order.lines.get().name, str(order.total)) for order in orders],
        )
    assert shown is not None
    assert len(shown) == 10
    assert shown[0] == ("R-1", "Maximum Security", "1079.900")
    assert not Order.objects.exists()
    assert not Message.objects.exists()
    assert not StatusMeaning.objects.filter(word="kurios").exists()


def test_uploads_are_deleted_when_discarded_or_after_30_days() -> None:
    first, second, third = (upload(*rows(1), mapped=number == 0) for number in range(3))
    discard(first)
    assert not private_storage().exists(first.stored_name)
    ImportUpload.objects.filter(pk=second.pk).update(uploaded_at=timezone.now() - timedelta(days=30))
    delete_old_import_details()
    assert list(ImportUpload.objects.all()) == [third]
    assert not private_storage().exists(second.stored_name)
    assert private_storage().exists(third.stored_name)


def test_a_file_without_a_row_is_deleted_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = upload(*rows(1))
    orphan = private_storage().save(ImportUpload.new_stored_name(), ContentFile(b"x"))
    delete_old_import_details()
    assert private_storage().exists(orphan)
    monkeypatch.setattr("intake.services.uploads.ORPHAN_AGE", timedelta(0))
    delete_old_import_details()
    assert not private_storage().exists(orphan)
    assert private_storage().exists(stored.stored_name)
