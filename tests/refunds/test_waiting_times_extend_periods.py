"""Waiting, freezing or declining never shortens a period, and the buyer can't extend it indefinitely."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from cases import services
from cases.models import DecidedCase
from cases.refusals import NotPossible
from notifications.models import Message
from orders.models import Order, OrderLine
from orders.services.address_corrections import correct_address, end_freeze, undo_correction
from refunds.eligibility import check_eligibility
from refunds.models import ReturnException, ReturnPolicy, Withdrawal
from refunds.panels import load_requests
from refunds.policy import end_of_day
from refunds.promotions import find_cashback, promotions_in, purchased_licenses
from refunds.refusals import ReturnPeriodEnded
from refunds.services import cashback, swaps
from refunds.services.returns import RequestedLine, request_return
from refunds.services.withdrawals import WithdrawalStatement
from refunds.waiting_times import WaitingTime, extend_deadline
from tests.factories import make_agent, make_line, make_order, make_product, make_reason, make_store
from tests.orders.correction_helpers import correct_and_notify, settle_notice
from tests.pages import inside, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
PLACED_AT = datetime(2026, 11, 1, 9, 0, tzinfo=BERLIN)
TOO_LATE = "The return period has ended."


@pytest.fixture
def order() -> Order:
    """Its 30 days end with December 1, 2026."""
    order = make_order(store=make_store(time_zone="Europe/Berlin"), placed_at=PLACED_AT.astimezone(UTC))
    make_line(order, return_until=datetime(2026, 12, 2, tzinfo=BERLIN))
    return order


@pytest.fixture
def line(order: Order) -> OrderLine:
    return order.lines.get()


@contextmanager
def on_day(day: float, hour: int = 12) -> Iterator[datetime]:
    """At this hour of a day after the purchase day."""
    moment = (PLACED_AT + timedelta(days=day)).replace(hour=hour).astimezone(UTC)
    with time_machine.travel(moment, tick=False):
        yield moment


def last_day(order: Order) -> str:
    """The last day for a return, which the order page shows, too."""
    now = datetime.now(UTC)
    eligibility = check_eligibility(Order.objects.get(pk=order.pk), now)
    last = max(each.last_moment for each in eligibility.lines)
    panel = load_requests([Order.objects.get(pk=order.pk)])[order.pk]
    if panel.last_moment is not None:
        assert panel.last_moment == last
    return f"{last.astimezone(order.store.tzinfo):%m-%d %H:%M}"


def ask_return(order: Order, line: OrderLine) -> DecidedCase:
    return request_return(order, [RequestedLine(line.pk, 1)], make_reason())


def ask_swap(order: Order, line: OrderLine) -> DecidedCase:
    return swaps.request_swap(order, swaps.SwapRequest(line.pk, None, "Antivirus, please"))


def test_an_order_frozen_on_day_29_can_be_returned_after_the_freeze(order: Order, line: OrderLine) -> None:
    with on_day(29):
        correct_and_notify(order, "thief@example.com")
        assert last_day(order) == "12-03 23:59"
    with on_day(31, hour=11), pytest.raises(NotPossible, match="corrected recently"):
        ask_return(order, line)
    with on_day(31, hour=13):
        assert "Request a return 1 day left" in text(inside(order).get(f"/orders/{order.public_id}/"))
    with on_day(32, hour=23):
        assert ask_return(order, line).amount == Decimal("79.95")


def test_the_time_until_the_notice_was_sent_is_added_too(order: Order, line: OrderLine) -> None:
    with on_day(29):
        correction = correct_address(order, "right@example.com")
        assert last_day(order) == "12-03 23:59"  # if the notice was sent immediately
    with on_day(36):
        assert last_day(order) == "12-10 23:59"
        settle_notice(correction, Message.Status.SENT, datetime.now(UTC))
    with on_day(38, hour=13):
        assert last_day(order) == "12-10 23:59"
    with on_day(39, hour=23):
        assert ask_return(order, line).amount == Decimal("79.95")


def test_a_freeze_ended_by_staff_adds_the_time_until_then(order: Order) -> None:
    with on_day(20):
        correct_and_notify(order, "right@example.com")
    with on_day(20, hour=18):
        assert end_freeze(order)
        assert last_day(order) == "12-02 23:59"


def test_a_correction_undone_by_the_owner_adds_the_time_until_then(order: Order, line: OrderLine) -> None:
    with on_day(20):
        correction = correct_address(order, "thief@example.com")
    with on_day(20, hour=18):
        undo_correction(correction)
        assert last_day(order) == "12-02 23:59"
    with on_day(32), pytest.raises(ReturnPeriodEnded, match=TOO_LATE):
        ask_return(order, line)


def test_a_freeze_that_begins_after_the_period_opens_nothing(order: Order, line: OrderLine) -> None:
    with on_day(31):
        correct_and_notify(order, "late@example.com")
    with on_day(33, hour=13), pytest.raises(ReturnPeriodEnded, match=TOO_LATE):
        ask_return(order, line)


def test_a_swap_declined_on_day_31_leaves_the_days_that_were_left(order: Order, line: OrderLine) -> None:
    with on_day(27):
        swap = ask_swap(order, line)
    with on_day(31):
        services.decline(swap, make_agent(), "It is out of stock.")
        assert last_day(order) == "12-05 23:59"
    with on_day(34, hour=23):
        ask_return(order, line)


@pytest.mark.parametrize("ask", [ask_swap, ask_return])
def test_after_a_request_on_the_last_day_was_declined_a_whole_day_is_left(
    order: Order, line: OrderLine, ask: Callable[[Order, OrderLine], DecidedCase]
) -> None:
    with on_day(30, hour=23):
        case = ask(order, line)
    with on_day(31, hour=8):
        services.decline(case, make_agent(), "Not this one.")
    with on_day(32, hour=23):
        ask_return(order, line)


def test_an_approved_swap_canceled_by_staff_adds_all_of_its_time(order: Order, line: OrderLine) -> None:
    agent = make_agent()
    with on_day(10):
        swap = ask_swap(order, line)
    with on_day(11):
        swaps.approve(swap, agent)
    with on_day(40):
        swaps.cancel_approved(swap, agent, "The difference was not paid.")
        assert last_day(order) == "12-31 23:59"
        services.add_note(swap, agent, "Called the buyer.")
        assert last_day(order) == "12-31 23:59"


def test_a_declined_withdrawal_gives_its_time_back_to_all_items(order: Order) -> None:
    statement = WithdrawalStatement("Bea Buyer", order.number, order.email)
    with on_day(29):
        withdrawal = withdraw(statement, "en")
    with on_day(36):
        services.decline(withdrawal, make_agent(), "The download had begun.")
        assert last_day(order) == "12-08 23:59"


def test_a_return_canceled_by_the_buyer_adds_the_time_it_was_open(order: Order, line: OrderLine) -> None:
    with on_day(28):
        case = ask_return(order, line)
    with on_day(33):
        services.cancel(case)
        assert last_day(order) == "12-06 23:59"


def test_requesting_and_canceling_every_day_does_not_extend_the_period(order: Order, line: OrderLine) -> None:
    requested_on = []
    for day in range(29, 40):
        with suppress(ReturnPeriodEnded):
            with on_day(day, hour=22):
                case = ask_return(order, line)
            with on_day(day, hour=23):
                services.cancel(case)
            requested_on.append(day)
    assert requested_on == [29, 30, 31]


def test_only_the_item_of_the_request_gets_time_back(order: Order, line: OrderLine) -> None:
    Order.objects.update(total=Decimal("159.90"))
    other = make_line(order, return_until=line.return_until)
    with on_day(29):
        swap = ask_swap(order, line)
    with on_day(35):
        services.decline(swap, make_agent(), "It is out of stock.")
        with pytest.raises(NotPossible, match=TOO_LATE):
            ask_return(order, other)
        ask_return(order, line)


def test_an_item_that_can_never_be_returned_stays_so(order: Order) -> None:
    policy = ReturnPolicy.objects.create(store=order.store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    ReturnException.objects.create(policy=policy, kind="renewal", days=None)
    renewal = make_line(order, kind="renewal")
    with on_day(3):
        correct_and_notify(order, "right@example.com")
    with on_day(6):
        assert check_eligibility(order, datetime.now(UTC)).get_line(renewal.pk).deadline == order.placed_at


def test_times_that_overlap_count_once() -> None:
    until = end_of_day(datetime(2026, 12, 1, tzinfo=UTC).date(), UTC)
    start = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    times = [
        WaitingTime("return", 1, start + timedelta(days=1), start + timedelta(days=3), False),
        WaitingTime("correction", None, start, start + timedelta(days=2), False),
    ]
    assert extend_deadline(until, times, UTC) == until + timedelta(days=3)


def test_the_period_of_a_cashback_claim_is_extended_by_a_freeze_and_a_declined_claim() -> None:
    with on_day(0):
        license = make_purchased_license(make_product())
        order = license.licensed_lines.get().order
        promotion = make_promotion(license.product, claim_until=(PLACED_AT + timedelta(days=10)).date())
    with on_day(10):
        correct_and_notify(order, "right@example.com")
    order.refresh_from_db()
    with on_day(12, hour=13):
        claim = make_claim(license)
        assert claim.promotion == promotion
    with on_day(20):
        cashback.decline(claim, make_agent(), "We cannot read the receipt.")
    with on_day(21):
        second = make_claim(license)
        cashback.cancel(second)
    with on_day(24) as now:
        (purchase,) = purchased_licenses([order])
        reason = find_cashback(purchase, "DE", promotions_in("DE"), now).reason
        assert reason is not None
        assert reason.code == "claim-period-ended"


def test_the_withdrawal_of_a_declined_statement_can_be_stated_again(order: Order) -> None:
    statement = WithdrawalStatement("Bea Buyer", order.number, order.email)
    with on_day(1):
        first = withdraw(statement, "en")
        assert withdraw(statement, "en") == first
        services.decline(first, make_agent(), "Which of the two items is it about?")
        second = withdraw(statement, "en")
        assert second != first
    assert Withdrawal.objects.count() == Message.objects.filter(kind="withdrawal_received").count() == 2
