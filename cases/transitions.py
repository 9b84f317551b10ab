"""Status changes of cases: check the transition table, write the history, queue the email."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from django.contrib.auth.models import User
from django.db import transaction as db_transaction
from django.utils import timezone

from cases.models import Case, CaseEvent, DecidedCase
from cases.refusals import WrongStatus
from notifications.services import send
from orders.localities import visitor_language
from orders.models import Order

AnyCase = TypeVar("AnyCase", bound=Case)
Actor = CaseEvent.Actor
# Statuses that every DecidedCase has in common.
RECEIVED = "received"
IN_REVIEW = "in_review"
# The minimum time that support has after an answer, even if it asked shortly before the due date.
MIN_REVIEW_TIME = timedelta(days=1)


def lock_order(order_id: int) -> Order:
    """Return the order, with its row locked until the transaction ends.

    Always the first lock that a transaction takes, so that two transactions cannot deadlock.
    """
    return Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order_id)


@contextmanager
def locked(case: AnyCase) -> Iterator[AnyCase]:
    """Open a transaction, lock the case's order and then the case, and yield the case freshly loaded."""
    with db_transaction.atomic():
        order = case.about_order
        if order is not None:
            lock_order(order.pk)
        yield cast(AnyCase, type(case)._default_manager.select_for_update(of=("self",)).get(pk=case.pk))


def transition(
    case: Case,
    to: str,
    actor: CaseEvent.Actor,
    *,
    by: User | None = None,
    text: str = "",
    note: str = "",
    notify_buyer: bool = True,
    **columns: Any,
) -> CaseEvent:
    """Change a case's status, add the event to its history, and queue the email about it.

    The caller holds the lock of the case. `text` is the text to or from the buyer; `note` is only for staff. `columns`
    are other fields to set. Raises WrongStatus if the transition table doesn't allow it.
    """
    from_status = case.status if case.pk else ""
    change_status(case, to, actor)
    if isinstance(case, DecidedCase) and from_status in case.UNDECIDED and to not in case.UNDECIDED:
        columns |= {"decided_at": timezone.now(), "decided_by": by}
    if isinstance(case, DecidedCase) and (from_status, to) != (RECEIVED, IN_REVIEW):
        case.forget_first_approval()  # the case is decided now, or there is something new to consider
    if by is not None and actor == Actor.STAFF:
        case.assigned_to = case.assigned_to or by
    for name, value in columns.items():
        setattr(case, name, value)
    if actor == Actor.BUYER and by is None and case.pk:  # from now on, in the language of the page that the buyer used
        case.language = visitor_language.get() or case.language
    case.save()
    event = add_event(case, from_status, actor, by=by, text=text, note=note)
    if notify_buyer:
        send_email(event)
    return event


def change_status(case: Case, to: str, actor: CaseEvent.Actor) -> None:
    """Set the status, and pause or resume the due date, without saving. Raises WrongStatus if not allowed."""
    from_status = case.status if case.pk else ""
    if to not in case.TRANSITIONS.get(from_status, frozenset()):
        raise WrongStatus(status_label(case))
    case.status = to
    if actor == Actor.BUYER:
        case.snoozed_until = None
    _pause_or_resume(case, actor, timezone.now())


def _pause_or_resume(case: Case, actor: CaseEvent.Actor, now: datetime) -> None:
    """Pause the due date while the case waits for the buyer; an answer extends it by the length of the pause."""
    if case.status in case.WAITING_FOR_BUYER:
        case.paused_at = case.paused_at or now
    elif case.paused_at is not None:
        if actor == Actor.BUYER:
            case.due_at = max(case.due_at + (now - case.paused_at), now + MIN_REVIEW_TIME)
        case.paused_at = None


def add_event(
    case: Case, from_status: str, actor: CaseEvent.Actor, *, by: User | None = None, text: str = "", note: str = ""
) -> CaseEvent:
    """Add an entry to the case's history. `from_status` equals the current status for a note without a change."""
    event: CaseEvent = case.events.create(
        actor=actor, by=by, from_status=from_status, to_status=case.status, text=text, note=note
    )
    return event


def send_email(event: CaseEvent) -> bool:
    """Queue the email about a transition, in the case's language. Returns False if there is no recipient."""
    case: Case = event.case
    order = case.about_order
    return send(
        email_kind(type(case), event.to_status),
        event,
        case.recipient,
        order_id=order.pk if order else None,
        language=case.language,
    )


def email_kind(case_type: type[Case], status: str) -> str:
    """Return the kind of the email about a transition, such as return_approved."""
    return f"{case_type.EMAIL_PREFIX}_{status}"


def status_label(case: Case) -> str:
    return str(case.get_status_display())  # type: ignore[attr-defined]
