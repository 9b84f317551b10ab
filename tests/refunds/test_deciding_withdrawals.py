"""The withdrawal period, and actions of staff on withdrawals."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from cases import services
from cases.refusals import NotPossible, WrongStatus
from notifications import kinds, rendering
from notifications.models import Message
from orders.models import Order
from refunds.models import Return, Withdrawal, WithdrawalPeriod
from refunds.refusals import InvalidAmount
from refunds.services import returns, transactions, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.withdrawals import WithdrawalStatement, withdraw_until
from tests.factories import make_agent, make_line, make_order, make_reason, make_store
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", store=make_store(time_zone="Europe/Berlin"), placed_at=timezone.now())
    make_line(order)
    return order


def make_withdrawal(order: Order | None = None, **fields: str) -> Withdrawal:
    known = {"name": "Bea", "order_number": "A-1001", "email": "buyer@example.com"}
    return withdraw(WithdrawalStatement(**known | fields), "en")


@pytest.mark.parametrize(
    ("bought", "last"),
    [
        (datetime(2026, 11, 2, 22, 59, tzinfo=UTC), date(2026, 11, 16)),  # Monday in Berlin
        (datetime(2026, 11, 2, 23, 0, tzinfo=UTC), date(2026, 11, 17)),  # Tuesday there, Monday here
        (datetime(2026, 10, 17, 10, 0, tzinfo=UTC), date(2026, 11, 2)),  # not Saturday, but Monday
        (datetime(2026, 10, 18, 10, 0, tzinfo=UTC), date(2026, 11, 2)),  # not Sunday, but Monday
        (datetime(2028, 2, 15, 10, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_the_period_ends_with_its_last_day_in_the_stores_zone(bought: datetime, last: date) -> None:
    order = make_order(store=make_store(time_zone="Europe/Berlin"), placed_at=bought)
    end = withdraw_until(order)
    assert end.astimezone(BERLIN).date() == last + timedelta(days=1)
    assert (end.astimezone(BERLIN).hour, end.astimezone(BERLIN).minute) == (0, 0)


@pytest.mark.parametrize(
    ("bought", "country", "zone", "last"),
    [
        (date(2026, 12, 11), "DE", "UTC", date(2026, 12, 28)),  # a Friday, Saturday and Sunday at Christmas
        (date(2026, 12, 11), "US", "Europe/Berlin", date(2026, 12, 28)),
        (date(2027, 3, 12), "DE", "UTC", date(2027, 3, 30)),  # Good Friday to Easter Monday
        (date(2027, 3, 12), "de", "UTC", date(2027, 3, 30)),
        (date(2026, 4, 17), "DE", "UTC", date(2026, 5, 4)),  # Labor Day
        (date(2026, 12, 17), "PL", "UTC", date(2026, 12, 31)),
        (date(2026, 12, 18), "PL", "UTC", date(2027, 1, 4)),  # the holiday is in the next year's list
        (date(2026, 7, 1), "FR", "UTC", date(2026, 7, 15)),
        (date(2026, 6, 30), "FR", "UTC", date(2026, 7, 15)),
        (date(2026, 6, 30), "DE", "UTC", date(2026, 7, 14)),
        (date(2026, 6, 30), "", "Europe/Paris", date(2026, 7, 15)),  # without a billing country, the store's
        (date(2026, 6, 30), "", "UTC", date(2026, 7, 14)),
        (date(2026, 6, 30), "XK", "UTC", date(2026, 7, 14)),  # a country with unknown holidays
    ],
)
def test_a_period_never_ends_on_a_public_holiday_of_the_buyers_country(
    bought: date, country: str, zone: str, last: date
) -> None:
    placed_at = datetime.combine(bought, time(12), tzinfo=UTC)
    order = make_order(store=make_store(time_zone=zone), placed_at=placed_at, billing_country=country)
    end = withdraw_until(order)
    assert end.astimezone(ZoneInfo(zone)) == datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone))


def test_a_changed_time_zone_changes_the_deadline_of_an_undecided_withdrawal(order: Order) -> None:
    withdrawal = make_withdrawal()
    order.store.time_zone = "Pacific/Auckland"
    order.store.save()
    before = withdrawal.withdraw_until
    withdrawal.refresh_from_db()
    assert withdrawal.withdraw_until == withdraw_until(Order.objects.get(pk=order.pk))
    assert withdrawal.withdraw_until != before


def test_the_most_specific_period_applies() -> None:
    store = make_store()
    order = make_order(store=store, billing_country="DE")
    assert withdrawals.period_days(order) == 14
    for expected, where in enumerate([{}, {"store": store}, {"country": "DE"}, {"store": store, "country": "DE"}], 20):
        WithdrawalPeriod.objects.create(days=expected, **where)
        assert withdrawals.period_days(order) == expected


def test_a_late_withdrawal_is_acknowledged_and_marked_for_staff(order: Order) -> None:
    Order.objects.update(placed_at=timezone.now() - timedelta(days=40))
    withdrawal = make_withdrawal()
    assert withdrawal.is_late
    assert Message.objects.filter(kind="withdrawal_received").count() == 1


def test_staff_set_the_order_of_a_withdrawal(order: Order) -> None:
    withdrawal = make_withdrawal(order_number="bought last week")
    agent = make_agent()
    with pytest.raises(NotPossible, match="Assign an order first"):
        withdrawals.approve(withdrawal, agent)
    withdrawals.attach_order(withdrawal, order, agent)
    withdrawal.refresh_from_db()
    assert withdrawal.order == order
    assert withdrawal.withdraw_until is not None
    withdrawals.approve(withdrawal, agent)
    with pytest.raises(NotPossible, match="decided"):
        withdrawals.attach_order(withdrawal, order, agent)


def test_approval_is_refused_if_a_colleague_set_the_order_meanwhile(order: Order) -> None:
    seen, agent = make_withdrawal(order_number="bought last week"), make_agent()
    withdrawals.attach_order(Withdrawal.objects.get(), order, agent)
    with pytest.raises(NotPossible, match="The order of this withdrawal has changed"):
        withdrawals.approve(seen, agent)
    assert not order.refund_transactions.exists()
    withdrawals.approve(Withdrawal.objects.get(), agent)


def test_the_remaining_amount_is_refunded_once(order: Order) -> None:
    withdrawal, agent = make_withdrawal(), make_agent()
    withdrawals.approve(withdrawal, agent)
    with pytest.raises(WrongStatus):
        withdrawals.approve(withdrawal, agent, Decimal("0.01"))
    transaction = withdrawal.transactions.get()
    assert transaction.amount == order.total
    transactions.mark_done(transaction, "BO-1", agent)
    withdrawal.refresh_from_db()
    order.refresh_from_db()
    assert withdrawal.status == Withdrawal.Status.REFUNDED
    assert order.status == Order.Status.REFUNDED


@pytest.mark.parametrize("amount", ["0", "-1", "79.96", "0.001"])
def test_amounts_that_are_not_left_are_refused(order: Order, amount: str) -> None:
    withdrawal = make_withdrawal()
    with pytest.raises(InvalidAmount):
        withdrawals.approve(withdrawal, make_agent(), Decimal(amount))
    withdrawal.refresh_from_db()
    assert withdrawal.status == Withdrawal.Status.RECEIVED


def test_approving_a_withdrawal_cancels_an_undecided_return(order: Order) -> None:
    return_case = returns.request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    withdrawal, agent = make_withdrawal(), make_agent()
    withdrawals.approve(withdrawal, agent)
    return_case.refresh_from_db()
    assert return_case.status == Return.Status.CANCELLED
    assert withdrawal.reference in return_case.events.get(to_status="cancelled").text
    with pytest.raises(WrongStatus):
        returns.approve(return_case, agent)


def test_every_status_has_an_html_and_text_email(order: Order) -> None:
    agent = make_agent()
    declined = make_withdrawal()
    services.start_review(declined, agent)
    services.ask_question(declined, agent, "Which of the two?")
    withdrawals.record_answer(declined, agent, "The first.")
    services.decline(declined, agent, "It is a business order.", note="checked")
    accepted = make_withdrawal(name="Bea B.")
    withdrawals.approve(accepted, agent)
    transactions.mark_done(accepted.transactions.get(), "BO-1", agent)
    written = set()
    for message in Message.objects.filter(kind__startswith="withdrawal_"):
        email = rendering.build(message, kinds.get(message.kind))
        html = str(email.alternatives[0].content)
        written.add(message.kind)
        assert message.recipient == "buyer@example.com"
        assert email.subject
        for body in (str(email.body), html):
            assert "checked" not in body
            assert "The first." not in body
            assert "W-" in body
    assert written == {f"withdrawal_{status}" for status in Withdrawal.Status.values}
