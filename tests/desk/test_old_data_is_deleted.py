"""Each kind of data is deleted after its period, and not before. Orders stay without the person."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessFailureLog, AccessLog
from celery.schedules import crontab
from django.conf import settings as django_settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import models
from django.utils import timezone
from pytest_django.fixtures import Settings

from desk.models import Erasure, LookRecord, PasswordReset, PersonRequest
from desk.privacy import retention
from desk.privacy.expired_rows import BATCH_SIZE
from desk.tasks import apply_retention
from files.models import DownloadRecord, Upload
from files.services import store_file
from intake.models import ImportFile, ImportReject, ImportRun, ImportUpload, StoreEvent
from intake.services.store_events import encrypt_body
from licenses.models import ActivationEvent, Device, Download
from notifications.models import FollowUp, Message
from orders.models import NO_END_YET, AccessLink, AddressCorrection, Attempt, LookupCode, Order, SuppressedAddress
from portal.celery import app
from refunds.models import RefundTransaction, Return
from support.models import FailedSearch, Thread, ThreadLink, ThreadMessage
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_release
from tests.files.factories import files_in, jpeg, upload

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def aged(model: type[models.Model], moment: str, at: datetime, **fields: Any) -> Any:
    """A row whose time is set afterwards, because some are set when a row is created."""
    row = model._default_manager.create(**fields)
    model._default_manager.filter(pk=row.pk).update(**{moment: at})
    return row


def _message(at: datetime, status: str) -> Message:
    key = f"{at.timestamp()} {status}"
    return aged(Message, "created_at", at, kind="x", object_id=1, key=key, recipient="a@b.c", status=status)


def _follow_up(at: datetime) -> FollowUp:
    fields = {"due_at": at, "closes_at": at + timedelta(days=1), "settled_at": at, "status": "sent"}
    return FollowUp.objects.create(kind="x", object_id=1, key=str(at), recipient="a@b.c", **fields)


def _store_event(at: datetime, body: bytes | None) -> StoreEvent:
    event = StoreEvent.objects.create(
        store=make_order().store, format="x", event_id=str(at), verdict="taken", finished_at=at, body=body
    )
    StoreEvent.objects.filter(pk=event.pk).update(received_at=at)
    return event


def _reject(at: datetime) -> ImportReject:
    run = aged(ImportRun, "started_at", at, source="command")
    file = ImportFile.objects.create(run=run, name="x", sha256="x", size=1, format="x")
    return ImportReject.objects.create(run=run, file=file, line=1, code="x", text="x", content=b"x")


def _upload(at: datetime) -> ImportUpload:
    name = ImportUpload.new_stored_name()
    return aged(ImportUpload, "uploaded_at", at, store=make_order().store, name="x", stored_name=name, size=1)


def _link(at: datetime) -> ThreadLink:
    thread = Thread.objects.create(kind="contact", subject="x", email="a@b.c")
    return aged(ThreadLink, "created_at", at, thread=thread)


def _correction(at: datetime) -> AddressCorrection:
    return AddressCorrection.objects.create(order=make_order(), new_email="a@b.c", made_at=at, undo_until=at)


def _login(model: Any, at: datetime) -> Any:
    return aged(model, "attempt_time", at, username="ann", ip_address="192.0.2.1", path_info="/", user_agent="x")


def _action(at: datetime) -> LogEntry:
    entry = LogEntry.objects.create(user=make_agent(), object_repr="x", action_flag=CHANGE)
    LogEntry.objects.filter(pk=entry.pk).update(action_time=at)
    return entry


def _request(at: datetime, used: bool) -> PersonRequest:
    fields = {"used_at": at, "settled_at": at, "outcome": "done"} if used else {}
    return aged(PersonRequest, "created_at", at, kind="copy", email_key="a@b.c", **fields)


MAKERS: dict[str, Callable[[datetime], Any]] = {
    "address_corrections": _correction,
    "messages": lambda at: _message(at, "sent"),
    "unsent_messages": lambda at: _message(at, "cancelled"),
    "follow_ups": _follow_up,
    "upload_downloads": lambda at: DownloadRecord.objects.create(
        upload_id="0" * 32, staff=User.objects.create(username=str(at)), at=at
    ),
    "attempts": lambda at: aged(Attempt, "at", at, method="card", outcome="refused"),
    "access_links": lambda at: aged(AccessLink, "created_at", at, email_key="a@b.c"),
    "lookup_codes": lambda at: aged(LookupCode, "created_at", at, order=make_order(), email_key="a@b.c"),
    "thread_links": _link,
    "downloads": lambda at: Download.objects.create(
        release=make_release(make_product()), order=make_order(), issued_at=at
    ),
    "activation_events": lambda at: ActivationEvent.objects.create(
        key_id="x", event_id=str(at), digest="x", received_at=at
    ),
    "import_details": _reject,
    "import_uploads": _upload,
    "store_events": lambda at: _store_event(at, None),
    "failed_searches": lambda at: FailedSearch.objects.create(language="en", term=str(at), last_at=at),
    "look_records": lambda at: LookRecord.objects.create(kind="order", object_key="x", username="ann", at=at),
    "staff_actions": _action,
    "staff_logins": lambda at: _login(AccessLog, at),
    "password_resets": lambda at: PasswordReset.objects.create(email_key="a@b.c", requested_at=at),
    "unconfirmed_person_requests": lambda at: _request(at, used=False),
    "person_requests": lambda at: _request(at, used=True),
    "erasures": lambda at: Erasure.objects.create(made_at=at),
    "suppressed_addresses": lambda at: SuppressedAddress.objects.create(digest=str(at), erased_at=at),
}
# Their rows change instead of going, or their end depends on more than one time.
TESTED_BELOW = {"orders", "cases", "threads", "uploads", "device_names", "store_event_bodies"}


def run(*args: str) -> str:
    output = StringIO()
    call_command("retention", *args, stdout=output)
    return output.getvalue()


def old_and_young(kind: str) -> tuple[datetime, datetime]:
    end = timezone.now() - django_settings.KEPT_FOR[kind]
    return end - MINUTE, end + MINUTE


def test_every_kind_is_tested() -> None:
    assert MAKERS.keys() | TESTED_BELOW == django_settings.RETENTION_PERIODS.keys()


@pytest.mark.parametrize("kind", MAKERS)
def test_only_what_is_older_than_its_period_goes(kind: str, django_capture_on_commit_callbacks) -> None:
    old, young = map(MAKERS[kind], old_and_young(kind))
    counted = run("--dry-run")
    assert f"       1  {kind} (" in counted
    assert type(old)._default_manager.filter(pk=old.pk).exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert f"       1  {kind} (" in run()
    assert not type(old)._default_manager.filter(pk=old.pk).exists()
    assert type(young)._default_manager.filter(pk=young.pk).exists()
    assert f"       0  {kind} (" in run()


def test_both_kinds_of_login_records_go() -> None:
    row = _login(AccessFailureLog, old_and_young("staff_logins")[0])
    run()
    assert not AccessFailureLog.objects.filter(pk=row.pk).exists()


def test_what_still_waits_is_kept() -> None:
    old, _young = old_and_young("messages")
    waiting = _message(old, "waiting")
    planned = FollowUp.objects.create(
        kind="x", object_id=1, recipient="a@b.c", due_at=old, closes_at=timezone.now() + timedelta(days=1)
    )
    undoable = AddressCorrection.objects.create(
        order=make_order(returns_frozen_until=NO_END_YET),
        new_email="a@b.c",
        made_at=old_and_young("address_corrections")[0],
    )
    asked = _request(old_and_young("person_requests")[0], used=True)
    PersonRequest.objects.filter(pk=asked.pk).update(outcome="open", settled_at=None)
    run()
    for row in (waiting, planned, undoable, asked):
        assert type(row)._default_manager.filter(pk=row.pk).exists()


# --- Orders -----------------------------------------------------------------------------------------------------------


def test_old_orders_stay_without_the_person(django_assert_num_queries) -> None:
    old, young = (make_order(placed_at=at, store_email="ann@example.com") for at in old_and_young("orders"))
    other = make_order(store_email="", billing_name="Bob", email_key="")
    Message.objects.create(kind="x", object_id=1, recipient="no key", status="sent")
    run()
    old.refresh_from_db()
    young.refresh_from_db()
    other.refresh_from_db()
    assert (old.email, old.billing_name, old.card_last4, old.total) == ("", "", "", Decimal("79.95"))
    assert old.erased_at is not None
    assert (young.email, young.billing_name) == ("ann@example.com", "Bea Buyer")
    assert other.billing_name == "Bob"
    assert not SuppressedAddress.objects.exists()  # the person may still be a customer
    assert Message.objects.exists()


def test_an_old_order_whose_license_is_valid_or_ended_lately_keeps_the_person() -> None:
    old, _young = old_and_young("orders")
    order = make_order(placed_at=old)
    make_license(make_line(order), expires_on=timezone.now().date() - timedelta(days=30))
    run()
    order.refresh_from_db()
    assert order.erased_at is None


@pytest.mark.parametrize("status", ["received", "approved"])
def test_an_old_order_with_an_open_case_keeps_the_person(status: str) -> None:
    order = make_order(placed_at=old_and_young("orders")[0])
    Return.objects.create(order=order, status=status, reason=make_reason(), currency="EUR", amount=1)
    run()
    order.refresh_from_db()
    assert order.erased_at is None


def test_an_old_order_with_a_promised_refund_keeps_the_person() -> None:
    order = make_order(placed_at=old_and_young("orders")[0])
    case = Return.objects.create(order=order, status="declined", reason=make_reason(), currency="EUR", amount=1)
    RefundTransaction.objects.create(order=order, return_case=case, currency="EUR", amount=1, gateway="manual")
    run()
    order.refresh_from_db()
    assert order.erased_at is None


def test_more_orders_than_one_batch_are_erased() -> None:
    store, old = make_order().store, old_and_young("orders")[0]
    Order.objects.bulk_create(
        Order(
            store=store,
            number=f"N-{number}",
            number_key=f"N-{number}",
            status="completed",
            placed_at=old,
            currency="EUR",
            billing_name="Ann",
        )
        for number in range(BATCH_SIZE + 5)
    )
    assert f"{BATCH_SIZE + 5}  orders" in run()
    assert not Order.objects.filter(billing_name="Ann").exists()


# --- Cases, threads, files, devices, events ---------------------------------------------------------------------------


def test_what_was_written_in_old_cases_goes_and_their_amounts_stay() -> None:
    old, young = (
        Return.objects.create(
            order=make_order(),
            status="refunded",
            reason=make_reason(),
            currency="EUR",
            amount=5,
            comment="words",
            decided_at=at,
        )
        for at in old_and_young("cases")
    )
    for case in (old, young):
        case.events.create(actor="buyer", to_status="received", text="words", note="words")
    assert "       1  cases" in run("--dry-run")
    run()
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.comment, old.amount, old.events.get().text, old.events.get().note) == ("", 5, "", "")
    assert (young.comment, young.events.get().text) == ("words", "words")
    assert "       0  cases" in run()


def _thread(at: datetime, status: str = "closed") -> Thread:
    thread = Thread.objects.create(
        kind="contact",
        status=status,
        closed_at=at if status == "closed" else None,
        subject="x",
        email="a@b.c",
        created_at=at,
    )
    ThreadMessage.objects.create(case=thread, actor="buyer", to_status=status, text="x", at=at)
    return thread


def test_old_threads_go_with_their_files_unless_support_still_has_to_answer(
    upload_folder, django_capture_on_commit_callbacks
) -> None:
    old, young = old_and_young("threads")
    gone, answered_later, waiting, recent = _thread(old), _thread(old), _thread(old, "waiting"), _thread(young)
    ThreadMessage.objects.create(case=answered_later, actor="staff", to_status="closed", text="x", at=young)
    gone.events.get().files.create(upload=store_file(upload(jpeg()), client=None))
    with django_capture_on_commit_callbacks(execute=True):
        run()
    assert set(Thread.objects.all()) == {answered_later, waiting, recent}
    assert files_in(upload_folder) == []
    assert not Thread.objects.filter(pk=gone.pk).exists()


def test_files_go_when_their_own_time_ends(upload_folder, django_capture_on_commit_callbacks) -> None:
    old, young = (store_file(upload(jpeg()), client=None) for _file in range(2))
    Upload.objects.filter(pk=old.pk).update(
        uploaded_at=timezone.now() - timedelta(days=200), keep_until=timezone.now() - MINUTE
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert "       1  uploads" in run()
    assert [each.pk for each in Upload.objects.all()] == [young.pk]
    assert len(files_in(upload_folder)) == 1


def test_the_names_of_devices_go_long_after_they_were_deactivated() -> None:
    old, young = old_and_young("device_names")
    license = make_license(make_line(make_order()))
    for name, at in (("old", old), ("young", young), ("in use", None)):
        Device.objects.create(
            license=license, vendor_id=name, name=name, activated_at=old, last_seen_at=old, deactivated_at=at
        )
    run()
    assert set(Device.objects.values_list("vendor_id", "name")) == {
        ("old", ""),
        ("young", "young"),
        ("in use", "in use"),
    }


def test_the_content_of_events_goes_before_the_events() -> None:
    old, young = (_store_event(at, encrypt_body(b"{}")) for at in old_and_young("store_event_bodies"))
    run()
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.body, young.body is None) == (None, False)


# --- The command and the task -----------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing() -> None:
    rows = [maker(old_and_young(kind)[0]) for kind, maker in MAKERS.items()]
    printed = run("--dry-run").splitlines()
    assert next(line for line in printed if " attempts " in line).endswith("would be deleted")
    assert next(line for line in printed if " orders " in line).endswith("would be erased, the rest stays")
    assert all(type(row)._default_manager.filter(pk=row.pk).exists() for row in rows)


def test_the_reasons_are_printed_with_the_days_that_apply(settings: Settings) -> None:
    settings.KEPT_FOR = settings.KEPT_FOR | {"attempts": timedelta(days=7)}
    printed = run("--reasons")
    for kind, period in settings.RETENTION_PERIODS.items():
        assert f"{kind}: {period.what}," in printed
        assert period.reason in printed
    assert "attempts to open orders, 7 days after" in printed


def test_a_shorter_period_applies_at_once(settings: Settings) -> None:
    attempt = MAKERS["attempts"](timezone.now() - timedelta(days=8))
    run()
    assert Attempt.objects.filter(pk=attempt.pk).exists()
    settings.KEPT_FOR = settings.KEPT_FOR | {"attempts": timedelta(days=7)}
    run()
    assert not Attempt.objects.filter(pk=attempt.pk).exists()


def test_beat_runs_it_every_day() -> None:
    entry = app.conf.beat_schedule["apply-retention"]
    assert entry["task"] == apply_retention.name
    assert isinstance(entry["schedule"], crontab)
    assert len(entry["schedule"].hour) == len(entry["schedule"].minute) == 1


def test_a_run_whose_time_is_up_continues_in_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.tasks.RETENTION_RUN_FOR", timedelta(0))
    monkeypatch.setattr(retention, "BATCH_SIZE", 1)
    for number in range(3):
        MAKERS["attempts"](old_and_young("attempts")[0] - number * MINUTE)
    again: list[bool] = []
    monkeypatch.setattr(apply_retention, "delay", lambda: again.append(True))
    for _run in range(3):
        apply_retention()
    assert not Attempt.objects.exists()
    assert again
