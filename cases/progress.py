"""A case as its buyer reads it: what happened, what comes next. Never what staff wrote for themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase


@dataclass(frozen=True)
class Words:
    """What a status is called, and the color it is shown in: "good", "warn", "bad" or empty."""

    name: Any
    tone: str


@dataclass(frozen=True)
class Step:
    """One stop on the way: behind us, where we are, or still to come."""

    name: Any
    state: str  # "done", "now" or "next"


@dataclass(frozen=True)
class HistoryEntry:
    """One thing that happened, with what was said to the buyer or by the buyer."""

    name: Any
    at: datetime
    text: str
    by_buyer: bool


_WORDS = {
    "received": Words(_("Received"), "warn"),
    "in_review": Words(_("In review"), "warn"),
    "question_asked": Words(_("We have a question"), "bad"),
    "approved": Words(_("Approved"), "good"),
    "refunded": Words(_("Refunded"), "good"),
    "swapped": Words(_("Swapped"), "good"),
    "paid": Words(_("Paid"), "good"),
    "declined": Words(_("Declined"), "bad"),
    "cancelled": Words(_("Canceled"), ""),
}
_ENDED_EARLY = ("declined", "cancelled")
_ANSWERED = _("Your answer")


def words(status: str) -> Words:
    return _WORDS[status]


def steps(case: DecidedCase) -> list[Step]:
    """The way of a case from here to its good end; of one that ended otherwise, where it ended."""
    if case.status in _ENDED_EARLY:
        return [Step(words("received").name, "done"), Step(words(case.status).name, "now")]
    way = ["received", "in_review", "approved", case.GOOD_END]
    here = way.index("in_review" if case.status == "question_asked" else case.status)
    here += here == len(way) - 1  # the last one is behind us as soon as it is reached
    return [
        Step(words(status).name, "done" if at < here else "now" if at == here else "next")
        for at, status in enumerate(way)
    ]


def history(case: DecidedCase) -> list[HistoryEntry]:
    """The steps that the buyer was told about, newest first, without who of staff took them and what they noted."""
    changed_or_said = ~Q(from_status=F("to_status")) | ~Q(text="")
    events = case.events.filter(changed_or_said).order_by("-at", "-pk")
    return [
        HistoryEntry(_name(event), event.at, event.text, event.actor == CaseEvent.Actor.BUYER)
        for event in events.only("at", "actor", "from_status", "to_status", "text")
    ]


def _name(event: CaseEvent) -> Any:
    answered = event.actor == CaseEvent.Actor.BUYER and event.from_status == "question_asked"
    return _ANSWERED if answered and event.to_status == "in_review" else words(event.to_status).name
