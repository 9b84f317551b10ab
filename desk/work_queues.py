"""How many cases wait for support, for the sidebar and the home page of the admin."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count, Min, Q, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, DecidedCase
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from refunds.services.approvals import APPROVE_ABOVE_LIMIT
from support.models import Thread

DAY = timedelta(days=1)
CASE_TYPES: tuple[type[Case], ...] = (Thread, Return, Withdrawal, Swap, CashbackClaim)


@dataclass(frozen=True)
class WorkQueue:
    """The cases of one kind that wait for support: how many, and since when the oldest has waited."""

    case_type: type[Case]
    waiting: int = 0
    overdue: int = 0
    due_within_a_day: int = 0
    oldest: datetime | None = None
    unassigned: int = 0

    @property
    def name(self) -> Any:
        return self.case_type._meta.verbose_name_plural

    @property
    def url(self) -> str:
        """The queue in the admin. With `?todo=overdue` and similar filters, it shows the cases that
        are counted here.
        """
        return _list_url(self.case_type)

    @property
    def oldest_url(self) -> str:
        """The waiting case that was received first; empty if none waits."""
        if self.oldest is None:
            return ""
        return f"{self.url}?{urlencode({'todo': 'waiting', 'created_at__lte': self.oldest.isoformat()})}"

    @property
    def unassigned_url(self) -> str:
        """The waiting cases that nobody is assigned to."""
        return f"{self.url}?todo=unassigned"


@dataclass(frozen=True)
class SecondApprovals:
    """The requests of one kind whose approval needs a second person."""

    case_type: type[Case]
    count: int = 0

    @property
    def name(self) -> Any:
        return self.case_type._meta.verbose_name_plural

    @property
    def url(self) -> str:
        return f"{_list_url(self.case_type)}?todo=second"


@dataclass(frozen=True)
class MyQueue:
    """The open cases of one kind that are assigned to a staff user."""

    case_type: type[Case]
    user_id: int
    mine: int = 0
    overdue: int = 0
    due_within_a_day: int = 0

    @property
    def name(self) -> Any:
        return self.case_type._meta.verbose_name_plural

    @property
    def url(self) -> str:
        return f"{_list_url(self.case_type)}?todo=mine"

    @property
    def overdue_url(self) -> str:
        return self._assigned_url("overdue")

    @property
    def due_url(self) -> str:
        return self._assigned_url("today")

    def _assigned_url(self, todo: str) -> str:
        return f"{_list_url(self.case_type)}?todo={todo}&assigned_to__id__exact={self.user_id}"


def _list_url(case_type: type[Case]) -> str:
    return reverse(f"admin:{case_type._meta.app_label}_{case_type._meta.model_name}_changelist")


def load_work_queues(request: HttpRequest) -> list[WorkQueue]:
    """Return the queues that the staff user may see. Makes one query, cached for the request."""
    if not hasattr(request, "work_queues"):
        request.work_queues = list(_load(request))  # type: ignore[attr-defined]
    return request.work_queues  # type: ignore[attr-defined]


def load_my_queues(request: HttpRequest) -> list[MyQueue]:
    """Return the queues in which the staff user handles open cases. Makes one query."""
    now = timezone.now()
    assert isinstance(request.user, User)
    user_id = request.user.pk
    rows = _join([_count_mine(case_type, user_id, now) for case_type in _visible(request)])
    queues = [MyQueue(case_type, user_id, **rows.get(case_type._meta.label, {})) for case_type in _visible(request)]
    return [queue for queue in queues if queue.mine]


def load_second_approvals(request: HttpRequest) -> list[SecondApprovals]:
    """Return the kinds of requests that wait for a second approval, if the user may give it. Makes one query."""
    if not request.user.has_perm(APPROVE_ABOVE_LIMIT):
        return []
    case_types = [case_type for case_type in _visible(request) if issubclass(case_type, DecidedCase)]
    rows = _join([_count_second(case_type) for case_type in case_types])
    found = [SecondApprovals(each, **rows[each._meta.label]) for each in case_types if each._meta.label in rows]
    return [each for each in found if each.count]


def _count_second(case_type: Any) -> Any:
    waiting = case_type._default_manager.waiting_for_second_approval()
    return waiting.order_by().values(label=Value(case_type._meta.label)).annotate(count=Count("pk"))


def _load(request: HttpRequest) -> Iterator[WorkQueue]:
    rows = _join([_count(case_type, timezone.now()) for case_type in _visible(request)])
    for case_type in _visible(request):
        yield WorkQueue(case_type, **rows.get(case_type._meta.label, {}))


def _visible(request: HttpRequest) -> list[type[Case]]:
    return [
        case_type
        for case_type in CASE_TYPES
        if request.user.has_perm(f"{case_type._meta.app_label}.view_{case_type._meta.model_name}")
    ]


def _join(counts: list[Any]) -> dict[str, dict[str, Any]]:
    """Run the queries, which have the same columns, as one. Return their rows by label."""
    if not counts:
        return {}
    return {row.pop("label"): row for row in counts[0].union(*counts[1:], all=True)}


def _count(case_type: type[Case], now: datetime) -> Any:
    """Return the counts of one kind, as a row that can be joined with those of other kinds by UNION."""
    waiting: Any = case_type._default_manager.all()
    return (
        waiting.waiting_for_support()
        .order_by()
        .values(label=Value(case_type._meta.label))
        .annotate(
            waiting=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lt=now)),
            due_within_a_day=Count("pk", filter=Q(due_at__lt=now + DAY)),
            oldest=Min("created_at"),
            unassigned=Count("pk", filter=Q(assigned_to=None)),
        )
    )


def _count_mine(case_type: type[Case], user_id: int, now: datetime) -> Any:
    """Return the counts of a user's open cases of one kind; see `_count`."""
    cases: Any = case_type._default_manager.all()
    mine = cases.open().filter(assigned_to=user_id)
    is_waiting = Q(status__in=case_type.UNDECIDED, paused_at=None) & ~cases.all().is_snoozed(now)
    return (
        mine.order_by()
        .values(label=Value(case_type._meta.label))
        .annotate(
            mine=Count("pk"),
            overdue=Count("pk", filter=is_waiting & Q(due_at__lt=now)),
            due_within_a_day=Count("pk", filter=is_waiting & Q(due_at__lt=now + DAY)),
        )
    )
