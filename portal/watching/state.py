"""Metrics that are read from the database when they are asked for.

They are right however many web processes, workers and hosts there are. Each needs one query that an index answers.
What grows without end is counted for the last 15 minutes only.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from desk.work_queues import CASE_TYPES
from intake.models import ImportRun, StoreEvent
from notifications.models import Message
from orders.models import Attempt
from portal.models import Heartbeat
from refunds.models import RefundTransaction

RECENT = timedelta(minutes=15)
IMPORTS_WINDOW = timedelta(days=1)

Family = GaugeMetricFamily


class StateCollector(Collector):
    """Reads the state of the portal at each request."""

    def describe(self) -> list[Family]:
        return []  # nothing is read when the collector is registered

    def collect(self) -> Iterator[Family]:
        now = timezone.now()
        yield from _beat()
        yield from _outbox(now)
        yield _emails(now)
        yield _attempts(now)
        yield from _store_events(now)
        yield from _imports(now)
        yield _refunds()
        yield from _cases(now)


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(f"portal_{name}", text, value=value)


def _by_label(name: str, text: str, label: str, values: Mapping[str, float]) -> Family:
    family = Family(f"portal_{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _seconds(now: datetime, then: datetime | None) -> float:
    return max((now - then).total_seconds(), 0.0) if then else 0.0


def _beat() -> Iterator[Family]:
    age = Heartbeat.age()
    if age is not None:
        text = "Seconds since beat, broker and a worker last worked together. Missing if they never did."
        yield _gauge("beat_age_seconds", text, age.total_seconds())


def _outbox(now: datetime) -> Iterator[Family]:
    due = Message.objects.waiting().filter(due_at__lte=now).aggregate(rows=Count("pk"), oldest=Min("due_at"))
    yield _gauge("outbox_due", "Emails that are due and not sent yet.", due["rows"])
    text = "For how many seconds the oldest due email has been due."
    yield _gauge("outbox_oldest_seconds", text, _seconds(now, due["oldest"]))
    delayed = Message.objects.waiting().filter(first_failed_at__isnull=False)
    yield _gauge("outbox_retrying", "Emails that failed at least once and will be retried.", delayed.count())


def _emails(now: datetime) -> Family:
    since = now - RECENT
    found = {
        "sent": Message.objects.filter(sent_at__gte=since).count(),
        "bounced": Message.objects.filter(bounced_at__gte=since).count(),
    }
    return _by_label("emails_recent", "Emails sent and bounced in the last 15 minutes.", "result", found)


def _attempts(now: datetime) -> Family:
    """Attempts to open orders. Rate limits show as `rate_limited` and `client_blocked`."""
    text = "Attempts to open an order in the last 15 minutes, by way and outcome."
    family = Family("portal_attempts_recent", text, labels=["method", "outcome"])
    rows = Attempt.objects.filter(at__gte=now - RECENT).order_by().values_list("method", "outcome")
    counted = {(method, outcome): tries for method, outcome, tries in rows.annotate(sum=Sum("tries"))}
    for method in Attempt.Method.values:
        for outcome in Attempt.Outcome.values:
            family.add_metric([method, outcome], counted.get((method, outcome), 0))
    return family


def _store_events(now: datetime) -> Iterator[Family]:
    waiting = StoreEvent.objects.filter(verdict=StoreEvent.Verdict.WAITING)
    oldest = waiting.aggregate(rows=Count("pk"), oldest=Min("received_at"))
    yield _gauge("store_events_waiting", "Events pushed by stores that aren't processed yet.", oldest["rows"])
    text = "For how many seconds the oldest unprocessed event has been waiting."
    yield _gauge("store_events_oldest_seconds", text, _seconds(now, oldest["oldest"]))
    rows = StoreEvent.objects.filter(received_at__gte=now - RECENT).order_by().values_list("verdict")
    counted = dict.fromkeys(StoreEvent.Verdict.values, 0.0) | dict(rows.annotate(Count("pk")))
    yield _by_label("store_events_recent", "Events received in the last 15 minutes.", "verdict", counted)


def _imports(now: datetime) -> Iterator[Family]:
    runs = ImportRun.objects.filter(started_at__gte=now - IMPORTS_WINDOW, details_deleted_at=None)
    sums = runs.aggregate(read=Sum("read", default=0), rejected=Sum("rejected", default=0))
    yield _by_label("import_rows_of_the_day", "Rows of the imports of the last 24 hours.", "result", sums)
    rows = runs.order_by().values_list("state")
    counted = dict.fromkeys(ImportRun.State.values, 0.0) | dict(rows.annotate(Count("pk")))
    yield _by_label("imports_of_the_day", "Imports of the last 24 hours.", "state", counted)


def _refunds() -> Family:
    rows = RefundTransaction.objects.all()
    found = {
        "to_send": rows.filter(status=RefundTransaction.Status.WAITING).count(),
        "to_refund_manually": rows.waiting_for_staff().count(),
        "unconfirmed": rows.filter(status=RefundTransaction.Status.UNCLEAR).count(),
        "declined": rows.unresolved().count(),
    }
    return _by_label("refunds_open", "Promised refunds that aren't completed, by what they wait for.", "state", found)


def _cases(now: datetime) -> Iterator[Family]:
    waiting, overdue = {}, {}
    for case_type in CASE_TYPES:
        name = case_type._meta.model_name or ""
        cases = case_type._default_manager.waiting_for_support().order_by()
        counted = cases.aggregate(rows=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=now)))
        waiting[name], overdue[name] = counted["rows"], counted["overdue"]
    yield _by_label("cases_waiting", "Cases that wait for support.", "kind", waiting)
    yield _by_label("cases_overdue", "Cases whose promised reply is overdue.", "kind", overdue)
