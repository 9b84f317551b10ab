"""Import store events. PostgreSQL is the queue: several workers share it without blocking each other.

An event is claimed for a limited time before it is imported. If its worker dies, the next one imports it again, which
changes nothing.
"""

import logging
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.feeds import FEEDS
from intake.models import BODY_KEPT, EVENT_KEPT, StoreEvent
from intake.problems import ImportRejected, Problem, ProblemCode, storable
from intake.records import OrderRecord
from intake.services.imports import BodyReport, import_body
from intake.services.store_events import decrypt_body, encrypt_body, masked_text
from intake.source_file import SourceFile
from intake.statuses import load_meanings
from notifications.models import OutgoingHold
from orders import encryption

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)  # longer than a task may run
RETRIED_FOR = timedelta(days=3)
FIRST_RETRY_DELAY = timedelta(seconds=5)
MAX_RETRY_DELAY = timedelta(hours=1)
RETRY_JITTER = 0.25  # share of the delay, in either direction
DELETED_AT_ONCE = 1_000  # rows

# Codes of event results, in addition to those of `ProblemCode`.
FAILED, UNREADABLE, EXPIRED = "failed", "unreadable", "expired"
# Problems that another event or import may solve.
RETRIED_CODES = (ProblemCode.ORDER_NOT_FOUND, ProblemCode.DATABASE)

Verdict = StoreEvent.Verdict


@dataclass(frozen=True)
class _Result:
    """The result of one attempt. `is_retried`: it may succeed later without anyone's help. `forgets_body`: it is about
    a person whose data was erased.
    """

    verdict: Verdict
    code: str = ""
    reason: str = ""
    word: str = ""
    is_retried: bool = False
    forgets_body: bool = False


def process_due(until: datetime) -> Counter[str]:
    """Import due events until there are none left, or until this time. Returns counts by verdict."""
    counts: Counter[str] = Counter()
    if OutgoingHold.is_active():
        return counts
    StoreEvent.objects.with_answered_status().update(next_try_at=timezone.now())
    while (now := timezone.now()) < until and (event := _claim(now)) is not None:
        counts[_process(event)] += 1
    return counts


def _claim(now: datetime) -> StoreEvent | None:
    """Return the next due event. No other worker gets it before the lease ends."""
    with transaction.atomic():
        due = StoreEvent.objects.due(now).select_related("store").order_by("next_try_at", "pk")
        event = due.select_for_update(skip_locked=True, of=("self",)).first()
        if event is not None:
            event.tries += 1
            StoreEvent.objects.filter(pk=event.pk).update(tries=F("tries") + 1, next_try_at=now + LEASE)
    return event


def _process(event: StoreEvent) -> Verdict:
    try:
        result = _import(event)
    except (OperationalError, InterfaceError) as error:
        logger.warning("Store event %s: the database can't be used: %s", event.pk, type(error).__name__)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        result = _Result(Verdict.WAITING, ProblemCode.DATABASE, _("The database couldn’t be reached."), is_retried=True)
    except Exception:
        logger.exception("Store event %s could not be imported", event.pk)
        sentence = _("The portal failed at this event; its log says how.")
        result = _Result(Verdict.WAITING, FAILED, sentence, is_retried=True)
    return _save(event, result, timezone.now())


def _import(event: StoreEvent) -> _Result:
    try:
        body = decrypt_body(event)
    except encryption.Undecryptable:
        sentence = _("Its content can’t be decrypted because SECRET_KEY has changed.")
        return _Result(Verdict.REJECTED, UNREADABLE, sentence)
    store = event.store
    feed = next((each for each in FEEDS if each.name == event.format), None)
    if feed is None:
        return _Result(Verdict.REJECTED, FAILED, _("This format is no longer supported."))
    context = FeedContext(
        store=store.slug,
        time_zone=store.tzinfo if store.time_zone else UTC,
        status_meanings=load_meanings(store.slug, feed.name),
    )
    report = import_body(_only_for(store.slug, feed), context, body)
    return replace(_judge(report), forgets_body=report.met_erased)


def _only_for(store: str, feed: Feed) -> Feed:
    """Return the feed, limited to this store: a store's secret must not sign orders of other stores."""

    def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
        record = feed.parse_item(item, context)
        if record.store != store:
            raise ImportRejected(_("This order names another store than the address that it was sent to."))
        return record

    # The key is guessed from the content, to find a repeated order without parsing it.
    def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
        for item in feed.read_items(source, context):
            if item.key is not None and item.key[0] != store:
                item.key = None
            yield item

    return replace(feed, parse_item=parse_item, read_items=read_items)


def _judge(report: BodyReport) -> _Result:
    """Return the verdict on an event, from the results of all its items."""
    codes = {problem.code: problem for problem in reversed(report.problems)}  # the first problem of each code
    for code in RETRIED_CODES:
        if code in codes:
            return _result(Verdict.WAITING, codes[code], is_retried=True)
    if ProblemCode.UNKNOWN_STATUS in codes:
        return _result(Verdict.WAITING, codes[ProblemCode.UNKNOWN_STATUS])
    for problem in report.problems:
        if problem.code != ProblemCode.NOT_AN_ORDER:
            return _result(Verdict.REJECTED, problem)
    counts = report.counts
    if counts.created or counts.updated or counts.unchanged:
        return _Result(Verdict.TAKEN)
    if report.problems:
        return _result(Verdict.IGNORED, report.problems[0])
    if counts.skipped:
        sentence = _("Staff set this status to “not an order”.")
        return _Result(Verdict.IGNORED, ProblemCode.NOT_AN_ORDER, sentence)
    return _Result(Verdict.REJECTED, ProblemCode.INVALID, _("This event is empty."))


def _result(verdict: Verdict, problem: Problem, *, is_retried: bool = False) -> _Result:
    return _Result(verdict, problem.code, storable(problem.text), storable(problem.word), is_retried)


def _save(event: StoreEvent, result: _Result, now: datetime) -> Verdict:
    """Store the result, unless another worker has claimed the event in the meantime."""
    verdict, next_try_at = result.verdict, None
    if result.is_retried:
        age = now - event.retried_since
        if age < RETRIED_FOR:
            next_try_at = now + retry_delay(age)
        else:
            verdict = Verdict.REJECTED
    changes: dict[str, Any] = {
        "verdict": verdict,
        "code": result.code,
        "reason": result.reason,
        "word": result.word[: StoreEvent._meta.get_field("word").max_length],
        "next_try_at": next_try_at,
        "finished_at": None if verdict == Verdict.WAITING else now,
    }
    if result.forgets_body and verdict != Verdict.WAITING:
        changes |= {"body": None, "reason": "", "word": ""}
    elif result.code == ProblemCode.CARD_NUMBER:
        changes["body"] = encrypt_body(masked_text(decrypt_body(event)).encode(errors="replace"))
    StoreEvent.objects.filter(pk=event.pk, tries=event.tries, verdict=Verdict.WAITING).update(**changes)
    return verdict


def retry_delay(age: timedelta) -> timedelta:
    """Return the delay before the next attempt: the time since the first one, so that it doubles each time."""
    delay = max(FIRST_RETRY_DELAY, min(age, MAX_RETRY_DELAY))
    return delay * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311 (spreads load, guards nothing)


def delete_expired_events(until: datetime) -> None:
    """Delete the content of events after BODY_KEPT, and the events after EVENT_KEPT. Can be called
    again to continue.
    """
    now = timezone.now()
    expired = {
        "verdict": Verdict.REJECTED,
        "code": EXPIRED,
        "reason": _("It couldn’t be imported before its content was deleted."),
        "finished_at": now,
        "next_try_at": None,
    }
    with_body = StoreEvent.objects.filter(body__isnull=False, received_at__lte=now - BODY_KEPT)
    old = StoreEvent.objects.filter(received_at__lte=now - EVENT_KEPT)
    while timezone.now() < until and (some := list(with_body.values_list("pk", flat=True)[:DELETED_AT_ONCE])):
        StoreEvent.objects.filter(pk__in=some, verdict=Verdict.WAITING).update(body=None, **expired)
        StoreEvent.objects.filter(pk__in=some).update(body=None)
    while timezone.now() < until and (some := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])):
        StoreEvent.objects.filter(pk__in=some).delete()
