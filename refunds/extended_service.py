"""The Extended Download Service of an order when items are returned."""

from collections.abc import Sequence
from dataclasses import dataclass

from orders.models import OrderLine
from refunds.amounts import RefundAmount
from refunds.eligibility import Eligibility, LineEligibility
from refunds.services.returns import CheckedLine


@dataclass(frozen=True)
class ExtendedService:
    """The service of an order, next to a return that is being checked."""

    line: LineEligibility
    is_returned: bool  # it is part of the return
    keeps_products: bool  # items that can be downloaded remain
    refund: RefundAmount  # for all units that can be returned

    @property
    def can_be_added(self) -> bool:
        """Whether the buyer can return it, too."""
        return not self.is_returned and not self.line.refusal


def find_extended_service(eligibility: Eligibility, checked: Sequence[CheckedLine]) -> ExtendedService | None:
    """Return the order's service, if it isn't returned yet and other items are being returned."""
    requested = {each.line.line.pk: each.quantity for each in checked}
    kept = [each for each in eligibility.lines if each.line.quantity > each.returned_or_requested]
    service = next((each for each in kept if _is_service(each)), None)
    if service is None or all(_is_service(each.line) for each in checked):
        return None
    return ExtendedService(
        service,
        is_returned=service.line.pk in requested,
        keeps_products=any(not _is_service(each) and each.available > requested.get(each.line.pk, 0) for each in kept),
        refund=service.refund_amount(service.available),
    )


def _is_service(each: LineEligibility) -> bool:
    return each.line.kind == OrderLine.Kind.EXTENDED_DOWNLOAD
