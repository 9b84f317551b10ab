"""Revokes licenses of refunded items, and the time that refunded renewals added, if the store's policy says so."""

from datetime import datetime

from licenses.models import LicensedLine
from licenses.services.revoking import revert_extensions, revoke
from orders.models import Order, OrderLine
from refunds.models import Return, ReturnLine, Withdrawal
from refunds.policy import StorePolicies

NEW_LICENSE_KINDS = (OrderLine.Kind.NEW, OrderLine.Kind.OTHER)
EXTENSION_KINDS = (OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)


def revoke_refunded_licenses(case: Return | Withdrawal, order: Order, at: datetime) -> None:
    """Apply the policy in force at the purchase. For a withdrawal, only if the whole order was refunded.

    A new license is revoked. A renewal or upgrade loses the time it added, but the license stays valid.
    """
    terms = StorePolicies([order.store_id]).in_force_at(order.store_id, order.placed_at)
    if not terms.policy.revokes_serials:
        return
    refunded = _licenses_of_return(case) if isinstance(case, Return) else _licenses_of_refunded_order(order)
    new = [(line, license) for line, license, kind in refunded if kind in NEW_LICENSE_KINDS]
    extended = [(line, license) for line, license, kind in refunded if kind in EXTENSION_KINDS]
    if new:
        revoke([license for _line, license in new], at, refunded_lines=[line for line, _license in new])
    if extended:
        revert_extensions([line for line, _license in extended], [license for _line, license in extended], at)


def _licenses_of_return(case: Return) -> list[tuple[int, int, str]]:
    """Return line id, license id and kind of line of each license in the return."""
    rows = ReturnLine.objects.filter(return_case=case, licenses__isnull=False)
    return list(rows.order_by("pk").values_list("line_id", "licenses", "line__kind"))


def _licenses_of_refunded_order(order: Order) -> list[tuple[int, int, str]]:
    if order.status != Order.Status.REFUNDED:
        return []
    rows = LicensedLine.objects.filter(order=order)
    return list(rows.order_by("pk").values_list("line_id", "license_id", "line__kind"))
