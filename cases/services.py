"""Transitions that all requests have in common, made by the buyer or by staff."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case, DecidedCase
from cases.refusals import NoOpenQuestion, NotPossible, WrongStatus
from cases.transitions import IN_REVIEW, Actor, add_event, locked, status_label, transition
from orders.card_numbers import mask_card_numbers

# Statuses that every DecidedCase has in common (Withdrawal has no "cancelled").
QUESTION_ASKED = "question_asked"
DECLINED = "declined"
CANCELLED = "cancelled"
MAX_TAGS = 10  # per case
MAX_TAG_LENGTH = 40  # characters
CALLED_OFF = frozenset({DECLINED, CANCELLED})  # ended without being carried out


def require_text(text: str, sentence: Any) -> str:
    """Return the text, stripped. Raises NotPossible with this sentence if it is empty."""
    if not (stripped := text.strip()):
        raise NotPossible(sentence)
    return stripped


def cancel(case: DecidedCase, **columns: Any) -> None:
    """Cancel an undecided case for its buyer. Does nothing if it is canceled already (a second click).

    `columns` are set together with the status. Raises NotPossible once the case is decided.
    """
    with locked(case) as current:
        if current.status == CANCELLED:
            return
        if not current.is_undecided:
            raise NotPossible(_("We’ve already decided this request, so you can’t cancel it here."))
        transition(current, CANCELLED, Actor.BUYER, **columns)


def answer_question(case: DecidedCase, text: str) -> None:
    """Record the buyer's answer to support's question. The same answer again (a second click) changes nothing.

    Raises NoOpenQuestion if no question is open.
    """
    with locked(case) as current:
        last = current.events.exclude(from_status=F("to_status")).last()
        if last is not None and (last.actor, last.from_status, last.text) == (Actor.BUYER, QUESTION_ASKED, text):
            return
        if current.status != QUESTION_ASKED:
            raise NoOpenQuestion
        transition(current, IN_REVIEW, Actor.BUYER, text=text)


def start_review(case: DecidedCase, by: User) -> None:
    with locked(case) as current:
        transition(current, IN_REVIEW, Actor.STAFF, by=by)


def ask_question(case: DecidedCase, by: User, question: str, note: str = "") -> None:
    """Ask the buyer a question, to be answered on the case's status page."""
    question = require_text(question, _("Enter a question for the buyer."))
    with locked(case) as current:
        transition(current, QUESTION_ASKED, Actor.STAFF, by=by, text=question, note=note)


def decline(case: DecidedCase, by: User, reason: str, note: str = "", **columns: Any) -> None:
    """Decline an undecided case. The reason is emailed to the buyer. `columns` are set together with the status.

    An approval is revoked by the service of its kind of case, which also stops the promised refund.
    """
    reason = require_text(reason, _("Enter a reason for the buyer."))
    with locked(case) as current:
        if not current.is_undecided:
            raise WrongStatus(status_label(current))
        transition(current, DECLINED, Actor.STAFF, by=by, text=reason, note=note, **columns)


def add_note(case: DecidedCase, by: User, note: str) -> None:
    """Add a note that only staff see. The status stays."""
    note = require_text(note, _("Enter a note."))
    with locked(case) as current:
        add_event(current, current.status, Actor.STAFF, by=by, note=note)


def assign(case: Case, by: User, to: User | None) -> None:
    """Assign the case to a staff member, or to nobody if `to` is None."""
    with locked(case) as current:
        if current.assigned_to == to:
            return
        current.assigned_to = to
        current.save()
        note = gettext("Assigned to %(who)s.") % {"who": to} if to else gettext("Unassigned.")
        add_event(current, current.status, Actor.STAFF, by=by, note=note)


def set_tags(case: Case, by: User, tags: Sequence[str]) -> None:
    """Replace the tags, cleaned by `clean_tags`. Raises NotPossible if there are too many."""
    with locked(case) as current:
        wanted = clean_tags(tags)
        if current.tags == wanted:
            return
        current.tags = wanted
        current.save()
        note = gettext("Tags: %(tags)s.") % {"tags": ", ".join(wanted)} if wanted else gettext("No tags.")
        add_event(current, current.status, Actor.STAFF, by=by, note=note)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags in lower case, each once, sorted. Raises NotPossible if they are too long or too many."""
    cleaned = sorted({mask_card_numbers(" ".join(tag.lower().split())) for tag in tags} - {""})
    if any(len(tag) > MAX_TAG_LENGTH for tag in cleaned):
        raise NotPossible(_("A tag has at most %(most)d characters."), most=MAX_TAG_LENGTH)
    if len(cleaned) > MAX_TAGS:
        raise NotPossible(_("A case has at most %(most)d tags."), most=MAX_TAGS)
    return cleaned


def snooze(case: Case, by: User, until: datetime) -> None:
    """Don't show the case as waiting for support until then.

    The promised time of the reply stays, and when it comes, the case is shown again. So is it when the buyer answers.
    Raises NotPossible if the case doesn't wait for support.
    """
    with locked(case) as current:
        if not current.is_undecided or current.paused_at is not None:
            raise NotPossible(_("This case doesn’t wait for support, so there’s nothing to snooze."))
        current.snoozed_until = until
        current.save()
        note = gettext("Snoozed until %(day)s.") % {"day": until.date().isoformat()}
        add_event(current, current.status, Actor.STAFF, by=by, note=note)
