"""What a refund takes back besides money, where the store's policy says so: serial numbers, and renewals' time."""

from datetime import datetime

from licenses.models import LicensedLine
from licenses.services.revoking import revoke, take_time_back
from orders.models import Order, OrderLine
from refunds.models import Return, ReturnLine, Withdrawal
from refunds.policy import Policies

BOUGHT = (OrderLine.Kind.NEW, OrderLine.Kind.OTHER)
EXTENDS = (OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)


def take_back(case: Return | Withdrawal, order: Order, at: datetime) -> None:
    """By the policy in force at the purchase. Of a withdrawal only where the whole order went back.

    What was bought is revoked; a renewal or upgrade loses its time, never the license that it extended.
    """
    if not Policies([order.store_id]).at(order.store_id, order.placed_at).policy.revokes_serials:
        return
    covered = _covered_by_return(case) if isinstance(case, Return) else _covered_by_order(order)
    bought = [(line, license) for line, license, kind in covered if kind in BOUGHT]
    extended = [(line, license) for line, license, kind in covered if kind in EXTENDS]
    if bought:
        revoke([license for _line, license in bought], at, refunded_lines=[line for line, _license in bought])
    if extended:
        take_time_back([line for line, _license in extended], [license for _line, license in extended], at)


def _covered_by_return(case: Return) -> list[tuple[int, int, str]]:
    """Line, license, and the line's kind, of each serial number that goes back."""
    rows = ReturnLine.objects.filter(return_case=case, licenses__isnull=False)
    return list(rows.order_by("pk").values_list("line_id", "licenses", "line__kind"))


def _covered_by_order(order: Order) -> list[tuple[int, int, str]]:
    if order.status != Order.Status.REFUNDED:
        return []
    rows = LicensedLine.objects.filter(order=order)
    return list(rows.order_by("pk").values_list("line_id", "license_id", "line__kind"))
