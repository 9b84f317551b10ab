"""The ledger of an order: what was paid, refunded and promised, and whether the order may still receive refunds.

Every decision about money uses it, while holding the order's lock (`cases.transitions.lock_order`). `orders.Refund` has
one row for each refund that was made, by the portal or the store.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.enums import TextChoices
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from cases.refusals import Refusal
from orders.models import Order, Refund
from refunds.amounts import ZERO
from refunds.models import RefundTransaction


class BlockReason(TextChoices):
    """Why no refunds may be made for an order, and no licenses or downloads issued."""

    CHARGED_BACK = "charged_back", _("The bank reversed this payment.")
    CANCELLED = "cancelled", _("This order was canceled.")
    ALREADY_REFUNDED = "already_refunded", _("The store has refunded this order.")
    NOT_PAID = "not_paid", _("The payment for this order isn’t confirmed.")
    TEST_ORDER = "test_order", _("This is a test order. Nothing was paid.")
    CURRENCY_DIFFERS = "currency_differs", _("The order’s currency has changed since then.")
    NOTHING_LEFT = "nothing_left", _("The remaining amount of the payment is too low.")


BLOCKED_STATUSES = {
    Order.Status.CHARGED_BACK: BlockReason.CHARGED_BACK,
    Order.Status.CANCELLED: BlockReason.CANCELLED,
    Order.Status.REFUNDED: BlockReason.ALREADY_REFUNDED,
    Order.Status.PENDING: BlockReason.NOT_PAID,
}


class OrderBlocked(Refusal):
    """No refunds may be made for the order; `reason` says why."""

    def __init__(self, reason: BlockReason) -> None:
        super().__init__(reason.label)
        self.reason = reason


@dataclass(frozen=True)
class Ledger:
    """The money of one order, in its currency."""

    order: Order
    paid: Decimal
    refunded: Decimal  # refunded, each refund once
    promised: Decimal  # approved, but not refunded yet

    @property
    def left(self) -> Decimal:
        """The amount that can still be promised. Never negative."""
        return max(self.paid - self.refunded - self.promised, ZERO)

    @property
    def overpromised(self) -> Decimal:
        """The amount by which the promised amount exceeds what is left to refund."""
        return max(self.refunded + self.promised - self.paid, ZERO)

    @property
    def block_reason(self) -> BlockReason | None:
        """Return why nothing of this order may be refunded, or None."""
        if self.order.is_test:
            return BlockReason.TEST_ORDER
        return BLOCKED_STATUSES.get(Order.Status(self.order.status))

    def require_payable(self) -> None:
        """Raises OrderBlocked."""
        if self.block_reason is not None:
            raise OrderBlocked(self.block_reason)


def load_ledger(order: Order) -> Ledger:
    """Load the ledger with two queries. Lock the order first if a decision depends on the result."""
    refunded = order.refunds.aggregate(sum=Sum("amount"))["sum"] or ZERO
    if order.status == Order.Status.REFUNDED:
        refunded = max(refunded, order.total)  # some stores report the status without the refund
    promised = RefundTransaction.objects.filter(order=order).open().aggregate(sum=Sum("amount"))["sum"] or ZERO
    return Ledger(order=order, paid=order.total, refunded=refunded, promised=promised)


@dataclass(frozen=True)
class CurrencyTotals:
    """The money of several orders in one currency."""

    currency: str
    paid: Decimal
    refunded: Decimal  # as in `Ledger`
    charged_back: Decimal  # paid for orders whose payment the bank reversed


def sum_by_currency(orders: QuerySet[Order]) -> list[CurrencyTotals]:
    """Add up the ledgers of these orders by currency. Orders for which nothing was paid are left out. One query."""
    refunds = Refund.objects.filter(order=OuterRef("pk")).order_by().values("order").annotate(sum=Sum("amount"))
    status = Order.Status
    sums = (
        orders.filter(is_test=False)
        .exclude(status__in=[status.PENDING, status.CANCELLED])
        .annotate(movements=Coalesce(Subquery(refunds.values("sum")), ZERO))
        .annotate(
            went_back=Case(When(status=status.REFUNDED, then=Greatest("movements", "total")), default="movements")
        )
        .order_by("currency")
        .values("currency")
        .annotate(
            paid=Sum("total"),
            refunded=Sum("went_back"),
            charged_back=Coalesce(Sum("total", filter=Q(status=status.CHARGED_BACK)), ZERO),
        )
    )
    return [CurrencyTotals(**row) for row in sums]
