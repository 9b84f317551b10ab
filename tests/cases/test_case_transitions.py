"""Cases change their status only as their transition tables allow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models.enums import ChoicesType
from django.test import Client
from django.utils import timezone

from cases.models import Case, CaseEvent
from cases.refusals import WrongStatus
from cases.transitions import MIN_REVIEW_TIME, Actor, change_status, locked, transition
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import ChargeClaim, Thread
from tests.factories import make_line, make_order, make_reason
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.support.submissions import submit_message

pytestmark = pytest.mark.django_db

KINDS: list[type[Case]] = [Return, Withdrawal, Swap, CashbackClaim, Thread]


def make_return() -> Return:
    order = make_order()
    case = Return(order=order, reason=make_reason(), currency="EUR", amount=order.total)
    transition(case, "received", Actor.BUYER)
    return case


def make_swap() -> Swap:
    order = make_order()
    case = Swap(order=order, line=make_line(order), wanted="Another", currency="EUR")
    transition(case, "received", Actor.BUYER)
    return case


def make_withdrawal() -> Withdrawal:
    case = Withdrawal(name="Bea", order_number="A-1", email="bea@example.com")
    transition(case, "received", Actor.BUYER)
    return case


def make_thread() -> Thread:
    return submit_message(Client())


def make_cashback() -> CashbackClaim:
    license = make_purchased_license()
    assert license.product is not None
    make_promotion(license.product)
    return make_claim(license)


MAKERS: dict[str, Callable[[], Any]] = {
    "return": make_return,
    "swap": make_swap,
    "withdrawal": make_withdrawal,
    "cashback": make_cashback,
    "thread": make_thread,
}


@pytest.mark.parametrize("kind", KINDS)
def test_transitions_use_only_known_statuses_and_reach_each_of_them(kind: Any) -> None:
    statuses: ChoicesType = kind.Status
    reached = set().union(*kind.TRANSITIONS.values())
    assert set(kind.TRANSITIONS) - {""} <= set(statuses.values)
    assert reached == set(statuses.values)
    assert kind.UNDECIDED.isdisjoint(kind.CLOSED)
    assert issubclass(kind.event_model(), CaseEvent)


@pytest.mark.parametrize("name", MAKERS)
def test_a_transition_outside_the_table_is_refused_and_changes_nothing(name: str) -> None:
    case = MAKERS[name]()
    before = case.events.count()
    for status in case.Status.values:
        if status not in case.TRANSITIONS[case.status]:
            with pytest.raises(WrongStatus), locked(case) as current:
                transition(current, status, Actor.STAFF)
    stored = type(case).objects.get(pk=case.pk)
    assert (stored.status, stored.events.count()) == (case.status, before)


@pytest.mark.parametrize("name", MAKERS)
def test_references_begin_with_the_letter_of_their_kind(name: str) -> None:
    letters = {"return": "R", "swap": "S", "withdrawal": "W", "cashback": "C", "thread": "M"}
    assert MAKERS[name]().reference.startswith(f"{letters[name]}-")


@pytest.mark.parametrize("name", ["return", "swap", "cashback", "withdrawal"])
def test_the_due_date_is_paused_while_waiting_for_the_buyer(name: str) -> None:
    case = MAKERS[name]()
    asked_at = case.created_at + timedelta(days=1)
    with time_machine.travel(asked_at, tick=False), locked(case) as current:
        transition(current, "question_asked", Actor.STAFF, text="Which device?")
    case.refresh_from_db()
    assert not case.is_overdue(asked_at + timedelta(days=30))
    assert case not in type(case).objects.waiting_for_support()
    due_before = case.due_at
    with time_machine.travel(asked_at + timedelta(days=10), tick=False), locked(case) as current:
        transition(current, "in_review", Actor.BUYER, text="My laptop")
    case.refresh_from_db()
    assert case.due_at == due_before + timedelta(days=10)
    assert case.is_overdue(case.due_at + timedelta(seconds=1))


def test_support_has_at_least_a_day_after_an_answer() -> None:
    case = make_return()
    with time_machine.travel(case.due_at + timedelta(days=5), tick=False), locked(case) as current:
        transition(current, "question_asked", Actor.STAFF, text="Which device?")
    answered_at = case.due_at + timedelta(days=7)
    with time_machine.travel(answered_at, tick=False), locked(case) as current:
        transition(current, "in_review", Actor.BUYER, text="My laptop")
    case.refresh_from_db()
    assert case.due_at == answered_at + MIN_REVIEW_TIME


def test_a_thread_waiting_for_the_buyer_is_not_overdue() -> None:
    thread = make_thread()
    change_status(thread, Thread.Status.QUESTION_ASKED, Actor.STAFF)
    assert thread.paused_at is not None
    assert not thread.is_overdue(timezone.now() + timedelta(days=30))


def test_charge_claim_transitions_use_only_known_outcomes() -> None:
    assert set(ChargeClaim.TRANSITIONS) == set(ChargeClaim.Outcome.values)
    assert all(after <= set(ChargeClaim.Outcome.values) for after in ChargeClaim.TRANSITIONS.values())
    assert all(ChargeClaim.Outcome.OPEN not in after for after in ChargeClaim.TRANSITIONS.values())
