"""Limits of approvals: agents approve up to an amount per currency, above it a supervisor approves as well."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils import timezone

from cases import services
from cases.services import ask_question
from desk.roles import AGENT, FINANCE, SUPERVISOR
from notifications.models import Message
from orders.models import Order, Refund
from refunds.models import ApprovalLimit, RefundTransaction, Return, Swap, SwapOffer, Withdrawal
from refunds.services import cashback, returns, swaps, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from refunds.services.withdrawals import WithdrawalStatement
from tests.desk.staff import signed_in, staff_with_role
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason
from tests.pages import marks, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db


def make_staff(role: str) -> User:
    user = make_agent(is_superuser=False)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def agent() -> User:
    return make_staff(AGENT)


@pytest.fixture
def supervisor() -> User:
    return make_staff(SUPERVISOR)


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", placed_at=timezone.now(), total=Decimal("160.00"), tax=Decimal(0))
    for serial in ("XAAB-0001", "XAAB-0002"):
        make_license(make_line(order, total=Decimal("80.00"), tax=Decimal(0)), serial)
    return order


def limit(up_to: str, two_people_above: str | None = None, currency: str = "EUR") -> None:
    ApprovalLimit.objects.create(
        currency=currency, up_to=Decimal(up_to), two_people_above=two_people_above and Decimal(two_people_above)
    )


def request_return(order: Order, position: int = 1) -> Return:
    return returns.request_return(order, [RequestedLine(order.lines.get(position=position).pk, 1)], make_reason())


def test_without_limits_an_agent_approves_any_amount(order: Order, agent: User) -> None:
    assert returns.approve(request_return(order), agent)


def test_up_to_the_limit_an_agent_approves_alone(order: Order, agent: User) -> None:
    limit("80.00")
    assert returns.approve(request_return(order), agent)
    assert RefundTransaction.objects.get().amount == Decimal("80.00")


def test_above_the_limit_an_agents_approval_promises_nothing_and_tells_the_buyer_nothing(
    order: Order, agent: User
) -> None:
    limit("79.99")
    case = request_return(order)
    emails = Message.objects.count()
    assert not returns.approve(case, agent, text="Your money is on its way.", note="called twice")
    case.refresh_from_db()
    assert (case.status, case.first_approved_by, case.first_approved_amount) == ("received", agent, Decimal("80.00"))
    assert case.decided_by is None
    assert not RefundTransaction.objects.exists()
    assert Message.objects.count() == emails
    assert "called twice" in case.events.last().note
    assert "€80.00" in case.events.last().note


def test_a_second_approval_by_another_agent_is_not_enough(order: Order, agent: User) -> None:
    limit("50.00")
    case = request_return(order)
    for user in (agent, make_staff(AGENT), agent):
        assert not returns.approve(case, user)
    assert not RefundTransaction.objects.exists()


def test_a_supervisor_completes_the_approval(order: Order, agent: User, supervisor: User) -> None:
    limit("50.00")
    case = request_return(order)
    returns.approve(case, agent)
    assert returns.approve(case, supervisor)
    case.refresh_from_db()
    assert (case.status, case.decided_by, case.first_approved_by) == ("approved", supervisor, None)
    assert [event.by for event in case.events.all() if event.by] == [agent, supervisor]


def test_a_supervisor_alone_approves_up_to_the_amount_for_two_people(order: Order, supervisor: User) -> None:
    limit("50.00", "80.00")
    assert returns.approve(request_return(order), supervisor)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_above_the_amount_for_two_people_nobody_approves_alone(order: Order, is_superuser: bool) -> None:
    limit("50.00", "79.00")
    first = make_staff(SUPERVISOR)
    User.objects.filter(pk=first.pk).update(is_superuser=is_superuser)
    first = User.objects.get(pk=first.pk)
    case = request_return(order)
    assert not returns.approve(case, first)
    assert not returns.approve(case, first)
    assert returns.approve(case, make_staff(SUPERVISOR))


def test_the_second_person_may_lower_the_amount_but_not_raise_it(order: Order, agent: User, supervisor: User) -> None:
    limit("10.00", "20.00")
    raised = request_return(order)
    returns.approve(raised, agent, Decimal("30.00"))
    assert not returns.approve(raised, supervisor, Decimal("30.01"))
    raised.refresh_from_db()
    assert (raised.first_approved_by, raised.first_approved_amount) == (supervisor, Decimal("30.01"))
    lowered = request_return(order, position=2)
    returns.approve(lowered, agent, Decimal("30.00"))
    assert returns.approve(lowered, supervisor, Decimal("29.00"))


def test_parts_of_an_order_count_together(order: Order, agent: User) -> None:
    limit("100.00")
    assert returns.approve(request_return(order), agent)
    assert not returns.approve(request_return(order, position=2), agent)


def test_what_the_store_refunded_before_counts(order: Order, agent: User) -> None:
    limit("100.00")
    Refund.objects.create(order=order, store_refund_id="r1", amount=Decimal("30.00"), refunded_at=timezone.now())
    assert not returns.approve(request_return(order), agent)


def test_a_currency_without_a_limit_is_left_to_supervisors(order: Order, agent: User, supervisor: User) -> None:
    limit("1000.00", currency="USD")
    case = request_return(order)
    assert not returns.approve(case, agent)
    assert returns.approve(case, supervisor)


def test_a_first_approval_ends_when_there_is_something_new_to_consider(
    order: Order, agent: User, supervisor: User
) -> None:
    limit("10.00", "20.00")
    case = request_return(order)
    services.start_review(case, agent)
    returns.approve(case, agent)
    ask_question(case, agent, "Which device?")
    services.answer_question(case, "A Mac.")
    assert not returns.approve(case, supervisor)


def test_starting_the_review_keeps_a_first_approval(order: Order, agent: User, supervisor: User) -> None:
    limit("10.00", "20.00")
    case = request_return(order)
    returns.approve(case, agent)
    services.start_review(case, supervisor)
    assert returns.approve(case, supervisor)


def test_a_first_approval_of_somebody_who_left_does_not_count(order: Order, agent: User, supervisor: User) -> None:
    limit("10.00", "20.00")
    case = request_return(order)
    returns.approve(case, agent)
    agent.delete()
    assert not returns.approve(case, supervisor)


def test_a_withdrawal_needs_two_people_for_the_amount_of_its_order(order: Order, agent: User, supervisor: User) -> None:
    limit("100.00")
    case = withdraw(WithdrawalStatement("Bea Buyer", "A-1001", "buyer@example.com"))
    requested = request_return_of_staff(order)
    assert not withdrawals.approve(case, agent)
    requested.refresh_from_db()
    assert requested.status == "received"
    assert withdrawals.approve(case, supervisor)
    assert RefundTransaction.objects.get().amount == Decimal("160.00")


def request_return_of_staff(order: Order) -> Return:
    case = Return(order=order, reason=make_reason(), currency="EUR", amount=Decimal("10.00"), status="received")
    case.save()
    return case


def test_a_first_approval_does_not_move_to_another_order(order: Order, agent: User, supervisor: User) -> None:
    limit("10.00", "20.00")
    case = withdraw(WithdrawalStatement("Bea Buyer", "A-1001", "buyer@example.com"))
    withdrawals.approve(case, agent)
    other = make_order(number="A-2002", placed_at=timezone.now())
    withdrawals.attach_order(case, other, agent)
    case = Withdrawal.objects.get(pk=case.pk)
    assert not withdrawals.approve(case, supervisor)
    assert not RefundTransaction.objects.exists()


def test_cashback_and_the_difference_of_a_swap_count_too(order: Order, agent: User, supervisor: User) -> None:
    limit("4.00")
    claimed = make_purchased_license(serial="XAAB-0003")
    make_promotion(claimed.product, amount=Decimal("5.00"))
    claim = make_claim(claimed)
    assert not cashback.approve(claim, agent)
    assert cashback.approve(claim, supervisor)
    for price, is_enough in (("75.00", False), ("76.00", True), ("90.00", True)):
        swap_order = make_order(placed_at=timezone.now(), store=order.store, total=Decimal("80.00"), tax=Decimal(0))
        line = make_line(swap_order, total=Decimal("80.00"), tax=Decimal(0))
        make_license(line)
        offer = SwapOffer.objects.create(
            store=order.store, product=make_product(), name="Internet Security", currency="EUR", price=Decimal(price)
        )
        swap = swaps.request_swap(swap_order, SwapRequest(line.pk, offer, ""))
        assert swaps.approve(swap, agent) is is_enough, price
    waiting = Swap.objects.get(price_difference=Decimal("-5.00"))
    assert swaps.approve(waiting, supervisor)


# --- In the admin ----------------------------------------------------------------------------------------


def decide(browser: Any, case: Any, **fields: str) -> Any:
    url = f"/admin/refunds/return/{case.pk}/decide/"
    return browser.post(url, {"action": "approve"} | {f"approve-{k}": v for k, v in fields.items()}, follow=True)


def test_the_page_says_that_a_second_person_is_needed_and_the_second_finds_amount_and_message(
    order: Order, agent: User, supervisor: User
) -> None:
    limit("50.00")
    case = request_return(order)
    response = decide(signed_in(agent), case, amount="60.00", text="Sorry for the trouble.")
    assert "a supervisor has to approve it" in text(response)
    browser = signed_in(supervisor)
    assert "Second approval: returns" in text(browser.get("/admin/"))
    assert case.reference in text(browser.get("/admin/refunds/return/?todo=second"))
    page = browser.get(f"/admin/refunds/return/{case.pk}/change/")
    assert f"{agent} approved €60.00" in text(page)
    content = page.content.decode()
    assert 'value="60.00"' in content
    assert "Sorry for the trouble." in content
    decide(browser, case, amount="60.00", text="Sorry for the trouble.")
    case.refresh_from_db()
    assert (case.status, case.amount_approved) == ("approved", Decimal("60.00"))


def test_the_next_case_is_not_one_that_the_agent_has_approved_already(order: Order, agent: User) -> None:
    limit("50.00")
    first, second = request_return(order), request_return(order, position=2)
    browser = signed_in(agent)
    response = decide(browser, first, next="1")
    response = browser.post(
        f"/admin/refunds/return/{first.pk}/decide/", {"action": "approve", "approve-amount": "", "next": "1"}
    )
    assert response.url.endswith(f"/{second.pk}/change/")
    response = browser.post(
        f"/admin/refunds/return/{second.pk}/decide/", {"action": "approve", "approve-amount": "", "next": "1"}
    )
    assert response.url.endswith("/return/")


def test_approving_many_at_once_says_which_need_a_second_person(order: Order, agent: User) -> None:
    limit("100.00")
    cases = [request_return(order), request_return(order, position=2)]
    response = signed_in(agent).post(
        "/admin/refunds/return/",
        {"action": "approve_all", "_selected_action": [str(case.pk) for case in cases]},
        follow=True,
    )
    assert "1 return approved." in text(response)
    assert "1 return needs a second person" in text(response)
    assert RefundTransaction.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [(AGENT, 403), (FINANCE, 403), (SUPERVISOR, 302)])
def test_only_supervisors_set_limits(role: str, status: int) -> None:
    browser = staff_with_role(role)
    row = {"currency": "EUR", "up_to": "50", "two_people_above": ""}
    assert browser.post("/admin/refunds/approvallimit/add/", row).status_code == status
    assert ApprovalLimit.objects.exists() is (status == 302)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"currency": "eur", "up_to": "50"}, "three-letter currency code in capitals"),
        ({"currency": "EUR", "up_to": "-1"}, "Enter an amount of 0 or more."),
        ({"currency": "EUR", "up_to": "50", "two_people_above": "49"}, "can’t be lower"),
        ({"currency": "EUR", "up_to": ""}, "required"),
    ],
)
def test_a_useless_limit_is_refused_with_the_reason(typed: dict[str, str], said: str) -> None:
    response = staff_with_role(SUPERVISOR).post("/admin/refunds/approvallimit/add/", typed)
    assert said in text(response)
    assert not ApprovalLimit.objects.exists()


def test_a_limit_of_zero_leaves_everything_to_supervisors(order: Order, agent: User) -> None:
    limit("0")
    assert not returns.approve(request_return(order), agent)


def test_there_is_one_limit_per_currency() -> None:
    limit("10")
    with pytest.raises(ValidationError):
        ApprovalLimit(currency="EUR", up_to=Decimal(20)).full_clean()


def test_an_agent_sees_no_count_of_second_approvals(order: Order, agent: User) -> None:
    limit("50.00")
    returns.approve(request_return(order), agent)
    browser = signed_in(agent)
    assert "Second approval: returns" not in text(browser.get("/admin/"))
    assert "second" in str(marks(browser.get("/admin/refunds/return/"), "href"))
