"""Refunds revoke licenses and remove renewal time, if the store's policy says so."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from cases.services import cancel
from licenses.models import License, LicensedLine
from orders.models import Order, OrderLine
from refunds.models import ReturnPolicy
from refunds.services import returns, swaps, transactions, withdrawals
from refunds.services.license_revocation import update_licenses
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_store
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    """An order of a store whose policy revokes licenses."""
    store = make_store()
    ReturnPolicy.objects.create(store=store, revokes_serials=True, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    return make_order(store=store, placed_at=timezone.now() - timedelta(days=1))


def renew(license: License, order: Order, **fields: Any) -> OrderLine:
    line = make_line(order, kind=OrderLine.Kind.RENEWAL, extends_serial=license.serial)
    LicensedLine.objects.create(line=line, order=order, license=license, **fields)
    return line


def return_and_refund(line: OrderLine, *licenses: License, quantity: int = 1) -> None:
    return_case = returns.RequestedLine(line.pk, quantity, frozenset(license.pk for license in licenses))
    case = returns.request_return(line.order, [return_case], make_reason())
    returns.approve(case, make_agent())
    transactions.mark_done(case.transactions.get(), "BO-1", make_agent())


def is_revoked(license: License) -> bool:
    license.refresh_from_db()
    return license.revoked_at is not None


def test_the_license_of_a_refunded_line_is_revoked(order: Order) -> None:
    line = make_line(order)
    license = make_license(line)
    return_and_refund(line)
    assert is_revoked(license)


def test_no_license_is_revoked_if_the_policy_does_not_revoke(order: Order) -> None:
    ReturnPolicy.objects.update(revokes_serials=False)
    line = make_line(order)
    license = make_license(line)
    return_and_refund(line)
    assert not is_revoked(license)


def test_the_policy_in_force_at_the_purchase_decides(order: Order) -> None:
    ReturnPolicy.objects.create(store=order.store, revokes_serials=False, in_force_from=timezone.now())
    line = make_line(order)
    license = make_license(line)
    return_and_refund(line)
    assert is_revoked(license)


def test_only_the_returned_licenses_are_revoked(order: Order) -> None:
    line = make_line(order, quantity=2)
    kept, given = make_license(line), make_license(line)
    return_and_refund(line, given)
    assert (is_revoked(kept), is_revoked(given)) == (False, True)


def test_a_license_renewed_by_another_order_is_not_revoked(order: Order) -> None:
    line = make_line(order)
    license = make_license(line)
    renew(license, make_order(store=order.store))
    return_and_refund(line)
    assert not is_revoked(license)


def test_a_refunded_renewal_does_not_prevent_revocation(order: Order) -> None:
    line = make_line(order)
    license = make_license(line)
    renew(license, make_order(store=order.store, status=Order.Status.REFUNDED))
    return_and_refund(line)
    assert is_revoked(license)


def test_a_refunded_renewal_loses_its_time_but_keeps_the_license(order: Order) -> None:
    license = make_license(make_line(make_order(store=order.store)), expires_on=date(2027, 12, 31))
    return_and_refund(renew(license, order, expires_on=date(2028, 12, 31)))
    assert not is_revoked(license)
    assert license.expires_on == date(2027, 12, 31)


def test_an_original_and_then_its_renewal_refunded_leave_nothing(order: Order) -> None:
    line = make_line(order)
    license = make_license(line, expires_on=date(2027, 12, 31))
    renewal = renew(license, make_order(store=order.store, placed_at=order.placed_at), expires_on=date(2028, 12, 31))
    return_and_refund(line)
    assert not is_revoked(license)
    return_and_refund(renewal)
    assert is_revoked(license)


def test_a_refunded_upgrade_gives_the_earlier_product_and_devices_back(order: Order) -> None:
    plain, better = make_product(), make_product()
    license = make_license(make_line(make_order(store=order.store)), product=plain)
    line = make_line(order, kind=OrderLine.Kind.UPGRADE, extends_serial=license.serial)
    LicensedLine.objects.create(line=line, order=order, license=license, product=better, devices=10)
    update_licenses(order)
    license.refresh_from_db()
    assert (license.product, license.devices) == (better, 10)
    return_and_refund(line)
    license.refresh_from_db()
    assert (license.revoked_at, license.product, license.devices) == (None, plain, 3)


def test_units_that_share_a_serial_number_end_with_the_last_of_them(order: Order) -> None:
    """Return 2 of 5, return the other 3, cancel the first: 2 units are paid, so the number stays valid."""
    line = make_line(order, quantity=5)
    license = make_license(line)
    reason, agent = make_reason(), make_agent()
    first = returns.request_return(order, [returns.RequestedLine(line.pk, 2)], reason)
    second = returns.request_return(order, [returns.RequestedLine(line.pk, 3)], reason)
    cancel(first)
    returns.approve(second, agent)
    transactions.mark_done(second.transactions.get(), "BO-1", agent)
    assert not is_revoked(license)
    return_and_refund(line, quantity=2)
    assert is_revoked(license)


@pytest.mark.parametrize(("amount", "is_ended"), [(None, True), (Decimal("60.00"), False)])
def test_a_withdrawal_ends_licenses_only_after_a_full_refund(
    order: Order, amount: Decimal | None, is_ended: bool
) -> None:
    line = make_line(order)
    license = make_license(line)
    statement = withdrawals.WithdrawalStatement("Bea Buyer", order.number, "buyer@example.com")
    case = withdraw(statement, "en")
    withdrawals.approve(case, make_agent(), amount=amount)
    transactions.mark_done(case.transactions.get(), "BO-1", make_agent())
    assert is_revoked(license) == is_ended
    line.refresh_from_db()
    assert (line.quantity_returned == line.quantity) == is_ended


def test_a_finished_swap_ends_the_old_serial_number_and_only_that(order: Order) -> None:
    line = make_line(order)
    old = make_license(line)
    new = swap(line, "XNEW-1")
    assert (is_revoked(old), is_revoked(new)) == (True, False)
    newest = swap(line, "XNEW-2")
    assert [is_revoked(license) for license in (old, new, newest)] == [True, True, False]
    return_and_refund(line)
    assert is_revoked(newest)


def test_a_swap_ends_the_old_number_also_where_refunds_end_none(order: Order) -> None:
    ReturnPolicy.objects.update(revokes_serials=False)
    line = make_line(order)
    old = make_license(line)
    swap(line, "XNEW-1")
    assert is_revoked(old)


def test_a_swapped_unit_ends_one_unused_number_and_none_that_units_share(order: Order) -> None:
    own = make_line(order, quantity=2)
    used, unused = make_license(own, activated_at=timezone.now()), make_license(own)
    shared = make_line(order, quantity=2)
    license = make_license(shared)
    swap(own, "XNEW-1")
    swap(shared, "XNEW-2")
    assert [is_revoked(each) for each in (used, unused, license)] == [False, True, False]


def swap(line: OrderLine, serial: str) -> License:
    agent = make_agent()
    case = swaps.request_swap(line.order, swaps.SwapRequest(line.pk, None, "Another product"))
    swaps.approve(case, agent)
    swaps.give_new_serial(case, agent, serial)
    return License.objects.get(serial=serial)
