"""Deletes what is older than its period. The periods, with their reasons, are in portal/retention_periods.py.

Each rule works in batches of its own transactions, so that it can stop at any time and continue later. Several runs may
be active at the same time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.utils import timezone

from desk.models import Erasure, LookRecord, PasswordReset, PersonRequest
from desk.privacy import expired_rows
from files.models import DownloadRecord
from intake.models import ImportReject, ImportUpload, StoreEvent
from intake.services.event_processing import delete_expired_events
from intake.services.history import delete_expired_details
from intake.services.uploads import delete_expired_uploads
from licenses.models import ActivationEvent, Download
from notifications.models import FollowUp, Message
from orders.models import AccessLink, AddressCorrection, Attempt, LookupCode, SuppressedAddress
from support.models import FailedSearch, ThreadLink

BATCH_SIZE = 500
Count = Callable[[datetime], int]
# Deletes one batch of what is older than a time. Returns how many; 0 if nothing is left that it may delete.
DeleteBatch = Callable[[datetime], int]


@dataclass(frozen=True)
class Rule:
    """How the rows of one kind are counted and deleted. `kind` names its period."""

    kind: str
    count: Count
    delete_batch: DeleteBatch


@dataclass(frozen=True)
class RetentionResult:
    """How many rows were deleted, or would be. `is_complete` is False if the time ran out."""

    kind: str
    count: int
    is_complete: bool = True


def _rows(kind: str, find: Callable[[datetime], QuerySet[Any]]) -> Rule:
    """Rows that are simply deleted."""

    def delete_batch(before: datetime) -> int:
        rows = find(before)
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
        rows.model._default_manager.filter(pk__in=ids).delete()
        return len(ids)

    return Rule(kind, lambda before: find(before).count(), delete_batch)


def _by_time(kind: str, model: Any, moment: str, **conditions: Any) -> Rule:
    return _rows(kind, lambda before: model._default_manager.filter(**{f"{moment}__lt": before}, **conditions))


def _until(delete: Callable[[datetime], None], find: Callable[[datetime], QuerySet[Any]], kind: str) -> Rule:
    """Rows for which another app has a function that deletes until a time."""

    def delete_batch(before: datetime) -> int:
        count = find(before).count()
        delete(timezone.now() + expired_rows.RUN_FOR)
        return count - find(before).count()

    return Rule(kind, lambda before: find(before).count(), delete_batch)


def _old_messages(before: datetime) -> QuerySet[Message]:
    return Message.objects.exclude(status=Message.Status.WAITING).filter(created_at__lt=before)


def _unsent_messages(before: datetime) -> QuerySet[Message]:
    return Message.objects.filter(status=Message.Status.CANCELLED, created_at__lt=before)


def _settled_follow_ups(before: datetime) -> QuerySet[FollowUp]:
    return FollowUp.objects.exclude(status=FollowUp.Status.PLANNED).filter(settled_at__lt=before)


def _settled_corrections(before: datetime) -> QuerySet[AddressCorrection]:
    undoable = AddressCorrection.objects.undoable(timezone.now())
    kept = Q(pk__in=undoable.values("pk")) | Q(pk__in=undoable.exclude(root=None).values("root"))
    return AddressCorrection.objects.filter(made_at__lt=before).exclude(kept)


def _settled_requests(before: datetime) -> QuerySet[PersonRequest]:
    return PersonRequest.objects.confirmed().exclude(outcome=PersonRequest.Outcome.OPEN).filter(settled_at__lt=before)


RULES: tuple[Rule, ...] = (
    Rule("orders", expired_rows.count_orders, expired_rows.erase_orders),
    Rule("cases", expired_rows.count_cases, expired_rows.erase_cases),
    Rule("threads", expired_rows.count_threads, expired_rows.delete_threads),
    _rows("address_corrections", _settled_corrections),
    _rows("messages", _old_messages),
    _rows("unsent_messages", _unsent_messages),
    _rows("follow_ups", _settled_follow_ups),
    # Before the next rule, whose function deletes these, too. The same applies to the store events below.
    _by_time("upload_downloads", DownloadRecord, "at"),
    Rule("uploads", expired_rows.count_uploads, expired_rows.delete_uploads),
    _by_time("attempts", Attempt, "at"),
    _by_time("access_links", AccessLink, "created_at"),
    _by_time("lookup_codes", LookupCode, "created_at"),
    _by_time("thread_links", ThreadLink, "created_at"),
    _by_time("downloads", Download, "issued_at"),
    Rule("device_names", expired_rows.count_devices, expired_rows.erase_devices),
    _by_time("activation_events", ActivationEvent, "received_at"),
    _until(
        delete_expired_details,
        lambda before: ImportReject.objects.filter(run__started_at__lt=before),
        "import_details",
    ),
    _until(
        delete_expired_uploads,
        lambda before: ImportUpload.objects.filter(uploaded_at__lt=before).exclude(state=ImportUpload.State.IMPORTING),
        "import_uploads",
    ),
    _by_time("store_events", StoreEvent, "received_at"),
    _until(
        delete_expired_events,
        lambda before: StoreEvent.objects.filter(body__isnull=False, received_at__lt=before),
        "store_event_bodies",
    ),
    _by_time("failed_searches", FailedSearch, "last_at"),
    _by_time("look_records", LookRecord, "at"),
    _by_time("staff_actions", LogEntry, "action_time"),
    _by_time("staff_logins", AccessLog, "attempt_time"),
    _by_time("staff_logins", AccessFailureLog, "attempt_time"),
    _by_time("password_resets", PasswordReset, "requested_at"),
    _by_time("unconfirmed_person_requests", PersonRequest, "created_at", used_at__isnull=True),
    _rows("person_requests", _settled_requests),
    _by_time("erasures", Erasure, "made_at"),
    _by_time("suppressed_addresses", SuppressedAddress, "erased_at"),
)


def run(now: datetime, *, dry_run: bool = False, until: datetime | None = None) -> Iterator[RetentionResult]:
    """Apply each rule, and yield its result. Stops each rule at `until`; the next run continues."""
    for rule in RULES:
        before = now - settings.KEPT_FOR[rule.kind]
        if dry_run:
            yield RetentionResult(rule.kind, rule.count(before))
            continue
        deleted, is_complete = 0, True
        while batch := rule.delete_batch(before):
            deleted += batch
            if until is not None and timezone.now() >= until:
                is_complete = False
                break
        yield RetentionResult(rule.kind, deleted, is_complete)
