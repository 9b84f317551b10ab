"""The one way in which a case moves: a row under lock, a table of moves, a history row, a mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from notifications.services import send
from orders.models import Order
from refunds.models import Case, CaseEvent
from refunds.models.cases import due
from refunds.refusals import AlreadyMoved

AnyCase = TypeVar("AnyCase", bound=Case)
Actor = CaseEvent.Actor

CASE_KEYS = {"return": "return_case", "withdrawal": "withdrawal", "swap": "swap", "cashback": "cashback_claim"}


def lock_order(order_id: int) -> Order:
    """The order, locked until the transaction ends. Always the first lock, so that two never wait for each other."""
    return Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order_id)


@contextmanager
def at_work(case: AnyCase) -> Iterator[AnyCase]:
    """A transaction with the case as it stands now: its order locked, and then itself."""
    with transaction.atomic():
        order = case.about_order
        if order is not None:
            lock_order(order.pk)
        yield cast(AnyCase, type(case).objects.select_for_update(of=("self",)).get(pk=case.pk))


def move(
    case: Case,
    to: str,
    actor: CaseEvent.Actor,
    *,
    by: User | None = None,
    text: str = "",
    note: str = "",
    told: bool = True,
    **columns: Any,
) -> CaseEvent:
    """Bring a case, locked by the caller, into a state; write its history and the buyer's mail with it.

    `text` is what was said to the buyer, or by the buyer; `note` is for staff only. `columns` are set with
    the status. Without `told` no mail is written. Raises AlreadyMoved where the table of moves has no such
    step from where the case stands.
    """
    before = case.status if case.pk else ""
    if to not in case.TRANSITIONS.get(before, frozenset()):
        raise AlreadyMoved(status_label(case))
    if case.is_undecided and before and to not in case.UNDECIDED:
        columns |= {"decided_at": timezone.now(), "decided_by": by}
    elif actor == Actor.BUYER:
        columns["due_at"] = due()
    case.status = to
    for name, value in columns.items():
        setattr(case, name, value)
    case.save()
    event = record(case, before, actor, by=by, text=text, note=note)
    if told:
        tell(event)
    return event


def record(
    case: Case, before: str, actor: CaseEvent.Actor, *, by: User | None = None, text: str = "", note: str = ""
) -> CaseEvent:
    """A row of the case's history; without a move where `before` is its status, as for a note of staff."""
    return CaseEvent.objects.create(
        actor=actor,
        by=by,
        from_status=before,
        to_status=case.status,
        text=text,
        note=note,
        **{CASE_KEYS[case.MAIL]: case},
    )


def tell(event: CaseEvent) -> bool:
    """Queue the mail about a step, in the case's language. Returns whether there was anybody to tell."""
    case = event.case
    order = case.about_order
    return send(
        mail_kind_of(type(case), event.to_status),
        event,
        case.recipient,
        order_id=order.pk if order else None,
        language=case.language,
    )


def mail_kind_of(case_type: type[Case], status: str) -> str:
    """The kind of the mail about a step, as return_approved."""
    return f"{case_type.MAIL}_{status}"


def status_label(case: Case) -> str:
    return str(case.get_status_display())  # type: ignore[attr-defined]
