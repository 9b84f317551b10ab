"""The effects of a return on the rest of the order: serial numbers, downloads and cashback."""

from collections.abc import Sequence
from dataclasses import dataclass

from orders.models import OrderLine
from refunds.eligibility import Eligibility
from refunds.models import CashbackClaim
from refunds.services.returns import CheckedLine


@dataclass(frozen=True)
class ReturnEffects:
    """What ends with a return of these lines."""

    serials: tuple[str, ...]  # they stop working when the refund is made
    downloads: tuple[str, ...]  # names of items of which no unit can be downloaded afterwards
    open_claims: tuple[CashbackClaim, ...]  # cashback for these serial numbers that isn't paid yet
    ends_cashback: bool  # items for which no cashback can be claimed afterwards


def find_effects(eligibility: Eligibility, checked: Sequence[CheckedLine]) -> ReturnEffects:
    """Return what a return of these lines ends. At most one query."""
    licenses = [license for each in checked for license in each.licenses]
    open_claims = CashbackClaim.objects.open().filter(license__in=licenses) if licenses else ()
    return ReturnEffects(
        tuple(license.serial for license in licenses) if eligibility.terms.policy.revokes_serials else (),
        downloads=tuple(each.line.line.name for each in checked if _ends_downloads(each)),
        open_claims=tuple(open_claims),
        ends_cashback=bool(licenses),
    )


def _ends_downloads(each: CheckedLine) -> bool:
    is_service = each.line.line.kind == OrderLine.Kind.EXTENDED_DOWNLOAD
    return not is_service and not each.line.payment.is_shared and each.quantity == each.line.available
