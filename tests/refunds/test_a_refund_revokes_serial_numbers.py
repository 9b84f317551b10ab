"""Refunds revoke licenses and take back renewal time, if the store's policy says so."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from licenses.services.revoking import revert_extensions

from licenses.models import License, LicensedLine
from orders.models import Order, OrderLine
from refunds.models import ReturnPolicy
from refunds.services import returns, transactions
from tests.factories import make_agent, make_license, make_line, make_order, make_reason, make_store

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
    return_and_refund(renew(license, order, extended_from=date(2026, 12, 31)))
    assert not is_revoked(license)
    assert license.expires_on == date(2026, 12, 31)


def test_renewal_time_is_taken_back_once_and_later_renewals_keep_theirs(order: Order) -> None:
    license = make_license(make_line(make_order(store=order.store)), expires_on=date(2028, 12, 31))
    first = renew(license, order, extended_from=date(2026, 12, 31))
    renew(license, make_order(store=order.store), extended_from=date(2027, 12, 31))
    for _time in range(2):
        revert_extensions([first.pk], [license.pk], timezone.now())
    license.refresh_from_db()
    assert license.expires_on == date(2028, 12, 31) - timedelta(days=365)


def test_a_start_date_within_the_removed_time_is_cleared(order: Order) -> None:
    license = make_license(
        make_line(make_order(store=order.store)), starts_on=date(2027, 1, 1), expires_on=date(2027, 12, 31)
    )
    return_and_refund(renew(license, order, extended_from=date(2026, 12, 31)))
    license.refresh_from_db()
    assert (license.starts_on, license.expires_on) == (None, date(2026, 12, 31))
