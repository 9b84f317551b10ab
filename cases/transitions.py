"""The one way in which a case changes its status: row locked, table asked, history written, mail queued."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from django.contrib.auth.models import User
from django.db import transaction as database
from django.utils import timezone

from cases.models import Case, CaseEvent, DecidedCase
from cases.refusals import WrongStatus
from notifications.services import send
from orders.models import Order

AnyCase = TypeVar("AnyCase", bound=Case)
Actor = CaseEvent.Actor
# What support has at least to read an answer, also where the time was nearly over when it asked.
LEAST_AFTER_ANSWER = timedelta(days=1)


def lock_order(order_id: int) -> Order:
    """The order, locked until the transaction ends. Always the first lock, so that two never wait for each other."""
    return Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order_id)


@contextmanager
def locked(case: AnyCase) -> Iterator[AnyCase]:
    """A transaction with the case as it stands now: its order locked, and then itself."""
    with database.atomic():
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
    notified: bool = True,
    **columns: Any,
) -> CaseEvent:
    """Bring a case, locked by the caller, into a status; write its history and the buyer's mail with it.

    `text` is what was said to the buyer, or by the buyer; `note` is for staff only. `columns` are set with
    the status. Without `notified` no mail is written. Raises WrongStatus where the table of transitions has no
    such step from where the case stands.
    """
    before = case.status if case.pk else ""
    change_status(case, to, actor)
    if isinstance(case, DecidedCase) and before in case.UNDECIDED and to not in case.UNDECIDED:
        columns |= {"decided_at": timezone.now(), "decided_by": by}
    for name, value in columns.items():
        setattr(case, name, value)
    case.save()
    event = record(case, before, actor, by=by, text=text, note=note)
    if notified:
        notify(event)
    return event


def change_status(case: Case, to: str, actor: CaseEvent.Actor) -> None:
    """Set a status that the table of transitions allows, and the clock of the due date with it. Saves nothing."""
    before = case.status if case.pk else ""
    if to not in case.TRANSITIONS.get(before, frozenset()):
        raise WrongStatus(status_label(case))
    case.status = to
    _set_clock(case, before, actor, timezone.now())


def _set_clock(case: Case, before: str, actor: CaseEvent.Actor, now: datetime) -> None:
    """The due date stands still while the buyer owes the answer, and counts on when it comes."""
    if case.status in case.WAITS_FOR_BUYER:
        case.paused_at = case.paused_at or now
    elif case.paused_at is not None:
        if actor == Actor.BUYER:
            case.due_at = max(case.due_at + (now - case.paused_at), now + LEAST_AFTER_ANSWER)
        case.paused_at = None


def record(
    case: Case, before: str, actor: CaseEvent.Actor, *, by: User | None = None, text: str = "", note: str = ""
) -> CaseEvent:
    """A row of the case's history; without a change where `before` is its status, as for a note of staff."""
    event: CaseEvent = case.events.create(
        actor=actor, by=by, from_status=before, to_status=case.status, text=text, note=note
    )
    return event


def notify(event: CaseEvent) -> bool:
    """Queue the mail about a step, in the case's language. Returns whether there was anybody to notify."""
    case: Case = event.case
    order = case.about_order
    return send(
        mail_kind(type(case), event.to_status),
        event,
        case.recipient,
        order_id=order.pk if order else None,
        language=case.language,
    )


def mail_kind(case_type: type[Case], status: str) -> str:
    """The kind of the mail about a step, as return_approved."""
    return f"{case_type.MAIL}_{status}"


def status_label(case: Case) -> str:
    return str(case.get_status_display())  # type: ignore[attr-defined]
