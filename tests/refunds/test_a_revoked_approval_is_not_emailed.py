"""Staff revoke an approval before its email was sent: the buyer gets only the final decision."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases.models import DecidedCase
from licenses.models import License
from notifications.models import Message
from orders.models import Order
from refunds.policy import return_until
from refunds.services import cashback, recovery, returns, swaps, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason
from tests.orders.mailboxes import Mailboxes, mailboxes
from tests.refunds.cashback import make_claim, make_promotion
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(settings: Settings, db: None) -> Iterator[Mailboxes]:
    with mailboxes(settings) as boxes:
        yield boxes


def make_purchase() -> License:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    line = make_line(order, return_until=return_until(order.placed_at, order.store.tzinfo, 30))
    return make_license(line, product=make_product(), activated_at=timezone.now())


def order_of(license: License) -> Order:
    return license.licensed_lines.get().order


def take_back_a_return() -> DecidedCase:
    order = order_of(make_purchase())
    case = returns.request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    returns.approve(case, make_agent())
    recovery.take_back_approval(case, make_agent(), "It was a mistake.")
    return case


def take_back_a_withdrawal() -> DecidedCase:
    order = order_of(make_purchase())
    case = withdraw(WithdrawalStatement("Bea Buyer", order.number, order.email))
    withdrawals.approve(case, make_agent())
    recovery.take_back_approval(case, make_agent(), "It was a mistake.")
    return case


def take_back_a_swap() -> DecidedCase:
    order = order_of(make_purchase())
    case = swaps.request_swap(order, SwapRequest(order.lines.get().pk, None, "Another, please."))
    swaps.approve(case, make_agent())
    swaps.cancel_approved(case, make_agent(), "It was a mistake.")
    return case


def take_back_cashback() -> DecidedCase:
    license = make_purchase()
    assert license.product
    make_promotion(license.product)
    case = make_claim(license)
    cashback.approve(case, make_agent())
    cashback.take_back_approval(case, make_agent(), "It was a mistake.")
    return case


@pytest.mark.parametrize(
    "take_back", [take_back_a_return, take_back_a_withdrawal, take_back_a_swap, take_back_cashback]
)
def test_only_the_last_decision_is_emailed(mail: Mailboxes, take_back: Callable[[], DecidedCase]) -> None:
    take_back()
    mail.deliver()
    approvals = Message.objects.filter(kind__endswith="_approved")
    assert [message.status for message in approvals] == [Message.Status.CANCELLED]
    assert sum("It was a mistake." in text for text in mail.texts_to("buyer@example.com")) == 1
    assert not Message.objects.exclude(status__in=["sent", "cancelled"]).exists()
