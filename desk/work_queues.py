"""How many cases wait for support, for the sidebar and the home page of the admin."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from cases.admin.queues import DAY
from cases.models import Case
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import Thread

CASE_TYPES: tuple[type[Case], ...] = (Thread, Return, Withdrawal, Swap, CashbackClaim)


@dataclass(frozen=True)
class WorkQueue:
    """The cases of one kind that wait for support: how many, and since when the oldest has waited."""

    case_type: type[Case]
    waiting: int = 0
    overdue: int = 0
    due_within_a_day: int = 0
    oldest: datetime | None = None

    @property
    def name(self) -> Any:
        return self.case_type._meta.verbose_name_plural

    @property
    def url(self) -> str:
        """The queue in the admin. With `?todo=overdue` and similar filters, it shows the cases that
        are counted here.
        """
        return reverse(f"admin:{self.case_type._meta.app_label}_{self.case_type._meta.model_name}_changelist")


def load_work_queues(request: HttpRequest) -> list[WorkQueue]:
    """Return the queues that the staff user may see. Makes one query, cached for the request."""
    if not hasattr(request, "work_queues"):
        request.work_queues = list(_load(request))  # type: ignore[attr-defined]
    return request.work_queues  # type: ignore[attr-defined]


def _load(request: HttpRequest) -> Iterator[WorkQueue]:
    visible = [
        case_type
        for case_type in CASE_TYPES
        if request.user.has_perm(f"{case_type._meta.app_label}.view_{case_type._meta.model_name}")
    ]
    if not visible:
        return
    counts = [_count(case_type, timezone.now()) for case_type in visible]
    rows = {row.pop("label"): row for row in counts[0].union(*counts[1:], all=True)}
    for case_type in visible:
        yield WorkQueue(case_type, **rows.get(case_type._meta.label, {}))


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
        )
    )
