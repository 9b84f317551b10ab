"""A buyer who withdraws or returns gets no reminder of an unused license, or of the end of a license or downloads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from cases import services
from notifications import follow_ups, kinds
from notifications.models import FollowUp, Message
from orders.models import Order, OrderLine
from refunds.services import returns
from refunds.services.returns import RequestedLine
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_release
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db

PLACED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
# Days after the purchase at which each is due.
DUE = {"license_not_activated": 4, "downloads_end": 25, "license_ends": 6}


@pytest.fixture
def line() -> OrderLine:
    """An item with everything that causes reminders."""
    product = make_product(name="Maximum Security")
    make_release(product, released_at=PLACED - timedelta(days=9))
    line = make_line(make_order(number="A-1001", placed_at=PLACED))
    make_license(line, product=product, expires_on=(PLACED + timedelta(days=20)).date())
    return line


def sent_by(**time: Any) -> set[str]:
    """Return the kinds that were sent by then, with daily runs."""
    for day in range(1, timedelta(**time).days + 1):
        now = PLACED + timedelta(days=day, hours=2)
        with time_machine.travel(now, tick=False):
            assert not follow_ups.run(now).failures
    return set(FollowUp.objects.filter(status=FollowUp.Status.SENT).values_list("kind", flat=True))


def state_withdrawal(number: str = "A-1001", email: str = "buyer@example.com") -> Any:
    return withdraw(WithdrawalStatement("Bea Buyer", number, email), "en")


def return_units(line: OrderLine, units: int = 1) -> Any:
    return returns.request_return(line.order, [RequestedLine(line.pk, units)], make_reason(), "")


def test_without_a_request_all_are_sent(line: OrderLine) -> None:
    assert sent_by(days=26) == set(DUE)


def test_who_withdrew_gets_none(line: OrderLine) -> None:
    with time_machine.travel(PLACED + timedelta(days=1)):
        state_withdrawal()
    assert sent_by(days=26) == set()


def test_who_withdrew_with_a_mistyped_order_number_gets_none(line: OrderLine) -> None:
    with time_machine.travel(PLACED + timedelta(days=1)):
        assert state_withdrawal(number="A-1010").order is None
    assert sent_by(days=26) == set()


def test_a_withdrawal_of_somebody_else_changes_nothing(line: OrderLine) -> None:
    with time_machine.travel(PLACED + timedelta(days=1)):
        state_withdrawal(number="A-9999", email="other@example.com")
    assert sent_by(days=26) == set(DUE)


def test_after_a_declined_withdrawal_all_are_sent(line: OrderLine) -> None:
    with time_machine.travel(PLACED + timedelta(days=1)):
        services.decline(state_withdrawal(), make_agent(), "Not a consumer.")
    assert sent_by(days=26) == set(DUE)


def test_who_returns_gets_none(line: OrderLine) -> None:
    with time_machine.travel(PLACED + timedelta(days=1)):
        return_units(line)
    assert sent_by(days=26) == set()


def test_a_request_after_the_planning_ends_what_was_planned(line: OrderLine) -> None:
    assert sent_by(days=3) == set()
    assert FollowUp.objects.planned().filter(kind="license_not_activated").exists()
    with time_machine.travel(PLACED + timedelta(days=3, hours=5)):
        state_withdrawal()
    assert sent_by(days=4) == set()


def test_what_is_kept_is_still_reminded_of(line: OrderLine) -> None:
    kept = make_line(line.order, name="Antivirus")
    product = make_product(name="Antivirus")
    make_release(product, released_at=PLACED - timedelta(days=9))
    make_license(kept, product=product)
    with time_machine.travel(PLACED + timedelta(days=1)):
        return_units(line)
    assert sent_by(days=26) == {"license_not_activated", "downloads_end"}
    for kind in ("license_not_activated", "downloads_end"):
        with time_machine.travel(PLACED + timedelta(days=25, hours=3)):
            context = kinds.get(kind).context(Message.objects.get(kind=kind))
        assert context["names"] == ["Antivirus"]


def test_who_returns_some_units_is_still_reminded_of_the_others(line: OrderLine) -> None:
    OrderLine.objects.filter(pk=line.pk).update(quantity=3)
    with time_machine.travel(PLACED + timedelta(days=1)):
        return_units(line, 2)
    assert sent_by(days=4) == {"license_not_activated"}


def test_after_a_renewal_was_undone_the_original_order_is_reminded(line: OrderLine) -> None:
    renewal = make_line(
        make_order(number="A-2", store=line.order.store, placed_at=PLACED + timedelta(days=1)),
        kind=OrderLine.Kind.RENEWAL,
    )
    renewal.licensed_lines.create(order=renewal.order, license=line.licensed_lines.get().license)
    Order.objects.filter(pk=renewal.order_id).update(status=Order.Status.REFUNDED)
    assert "license_ends" in sent_by(days=7)
    assert Message.objects.get(kind="license_ends").order_id == line.order_id
