"""The steps that requests have in common, by their buyers and by staff."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from cases.models import DecidedCase
from cases.refusals import NothingAsked, NotPossible
from cases.transitions import Actor, locked, record, transition

# Every request has these, whatever else it has.
IN_REVIEW = "in_review"
QUESTION_ASKED = "question_asked"
DECLINED = "declined"
CANCELLED = "cancelled"


def required(text: str, sentence: Any) -> str:
    """What was written, without the space around it. Raises NotPossible where nothing was."""
    if not (written := text.strip()):
        raise NotPossible(sentence)
    return written


def cancel(case: DecidedCase, **columns: Any) -> None:
    """The buyer's own change of mind, while nothing is decided. A second click changes nothing."""
    with locked(case) as current:
        if current.status == CANCELLED:
            return
        if not current.is_undecided:
            raise NotPossible(_("This is decided already, so it cannot be canceled here any more."))
        transition(current, CANCELLED, Actor.BUYER, **columns)


def answer(case: DecidedCase, text: str) -> None:
    """The buyer's answer to a question of support. Twice changes nothing. Raises NothingAsked if it is late."""
    with locked(case) as current:
        last = current.events.exclude(from_status=F("to_status")).last()
        if last is not None and (last.actor, last.from_status, last.text) == (Actor.BUYER, QUESTION_ASKED, text):
            return
        if current.status != QUESTION_ASKED:
            raise NothingAsked
        transition(current, IN_REVIEW, Actor.BUYER, text=text)


def take_into_review(case: DecidedCase, by: User) -> None:
    with locked(case) as current:
        transition(current, IN_REVIEW, Actor.STAFF, by=by)


def ask(case: DecidedCase, by: User, question: str, note: str = "") -> None:
    """Ask the buyer something; the answer comes in on the status page."""
    question = required(question, _("Please write the question to the buyer."))
    with locked(case) as current:
        transition(current, QUESTION_ASKED, Actor.STAFF, by=by, text=question, note=note)


def decline(case: DecidedCase, by: User, reason: str, note: str = "", **columns: Any) -> None:
    """Say no; the reason is written to the buyer."""
    reason = required(reason, _("Please write the reason to the buyer."))
    with locked(case) as current:
        transition(current, DECLINED, Actor.STAFF, by=by, text=reason, note=note, **columns)


def add_note(case: DecidedCase, by: User, note: str) -> None:
    """A note that only staff see."""
    note = required(note, _("Please write the note."))
    with locked(case) as current:
        record(current, current.status, Actor.STAFF, by=by, note=note)
