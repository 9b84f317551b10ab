"""The content of a case's status page for its buyer: a badge, progress steps, and history without internal notes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase


@dataclass(frozen=True)
class StatusBadge:
    """The label of a status, and its color: "good", "warn", "bad" or empty."""

    label: Any
    tone: str


@dataclass(frozen=True)
class ProgressStep:
    """One step on the way from received to closed."""

    label: Any
    state: str  # "done", "now" or "next"


@dataclass(frozen=True)
class BuyerHistoryEntry:
    """An event that the buyer may see, with the text to or from the buyer."""

    label: Any
    at: datetime
    text: str
    by_buyer: bool


_BADGES = {
    "received": StatusBadge(_("Received"), "warn"),
    "in_review": StatusBadge(_("In review"), "warn"),
    "question_asked": StatusBadge(_("We have a question"), "bad"),
    "approved": StatusBadge(_("Approved"), "good"),
    "refunded": StatusBadge(_("Refunded"), "good"),
    "swapped": StatusBadge(_("Swapped"), "good"),
    "paid": StatusBadge(_("Paid"), "good"),
    "declined": StatusBadge(_("Declined"), "bad"),
    "cancelled": StatusBadge(_("Canceled"), ""),
}
_ENDED_EARLY = ("declined", "cancelled")
_ANSWER_LABEL = _("Your answer")


def status_badge(status: str) -> StatusBadge:
    return _BADGES[status]


def progress_steps(status: str, success_status: str) -> list[ProgressStep]:
    """Return all steps up to the successful end; for a declined or canceled case, only the first and the last."""
    if status in _ENDED_EARLY:
        return [_step("received", "done"), _step(status, "now")]
    statuses = ["received", "in_review", "approved", success_status]
    current = statuses.index("in_review" if status == "question_asked" else status)
    if current == len(statuses) - 1:
        current += 1  # the last step is done as soon as it is reached
    return [
        _step(status, "done" if index < current else "now" if index == current else "next")
        for index, status in enumerate(statuses)
    ]


def _step(status: str, state: str) -> ProgressStep:
    return ProgressStep(status_badge(status).label, state)


def buyer_history(case: DecidedCase) -> list[BuyerHistoryEntry]:
    """Return the events that the buyer was emailed about, newest first, without staff names and notes."""
    is_visible = ~Q(from_status=F("to_status")) | ~Q(text="")
    events = case.events.filter(is_visible).order_by("-at", "-pk")
    return [
        BuyerHistoryEntry(_event_label(event), event.at, event.text, event.actor == CaseEvent.Actor.BUYER)
        for event in events.only("at", "actor", "from_status", "to_status", "text")
    ]


def _event_label(event: CaseEvent) -> Any:
    is_answer = (event.actor, event.from_status, event.to_status) == (
        CaseEvent.Actor.BUYER,
        "question_asked",
        "in_review",
    )
    return _ANSWER_LABEL if is_answer else status_badge(event.to_status).label
