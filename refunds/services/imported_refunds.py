"""Match refunds that a store reports for its orders with the portal's own refunds and open cases.

Each refund counts once: a reported refund that the portal made replaces the portal's own `Refund` row, and one that
fulfills an open case closes it. The caller, an import, holds the orders' locks and has added the reported refunds in
the same transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations, count

from django.db.models import Exists, OuterRef, Sum
from django.utils.translation import gettext as _

from cases.transitions import Actor, add_event
from orders.models import TOTAL_REFUND_ID, Order, OrderLine, Refund
from orders.money import format_money
from refunds.amounts import ZERO
from refunds.ledger import BlockReason, load_ledger
from refunds.models import RefundTransaction, Return, ReturnLine, StoreGateway, Swap, Withdrawal
from refunds.services.transactions import (
    OWN_REFUND_ID_PREFIX,
    RefundCase,
    Status,
    complete,
    gateway_name,
    new_transaction,
    refuse,
    update_order_status,
)

# Some stores report only the day of a refund, or use another clock. A refund may be dated this long before its request.
DATE_TOLERANCE = timedelta(days=1)
# Combinations of more refunds of one order than this are not tried.
MAX_SUMMANDS = 12
OPEN_RETURNS = [*Return.UNDECIDED, Return.Status.APPROVED]
OPEN_WITHDRAWALS = [*Withdrawal.UNDECIDED, Withdrawal.Status.APPROVED]


def lines_with_requests(order_ids: Collection[int]) -> set[int]:
    """Return the ids of lines with a return or swap, in any status. Imports must not delete them."""
    returned = ReturnLine.objects.filter(line__order_id__in=order_ids).values_list("line_id", flat=True)
    swapped = Swap.objects.filter(order_id__in=order_ids).values_list("line_id", flat=True)
    return set(chain(returned, swapped))


def reconcile_imported_refunds(new_refund_ids: Mapping[int, Collection[str]]) -> None:
    """Reconcile orders after an import. `new_refund_ids` are the store's ids of new refunds, by order id.

    Includes orders that the import changed without a new refund. Afterwards, the status of each order matches its
    refunds, regardless of the imported status, and pending refunds of blocked orders are stopped. Makes one query if
    none of the orders has a case.
    """
    for order in _orders_with_cases(new_refund_ids):
        _Reconciliation(order, set(new_refund_ids[order.pk])).run()


def update_refunded_orders(order_ids: Collection[int]) -> None:
    """Set the status of orders by the sum of their refunds, after a store reported refunds without
    the order's status.
    """
    for order in Order.objects.filter(pk__in=order_ids).select_for_update(of=("self",)).order_by("pk"):
        update_order_status(order)


def _orders_with_cases(order_ids: Collection[int]) -> list[Order]:
    if not order_ids:
        return []
    same_order = {"order": OuterRef("pk")}
    return list(
        Order.objects.filter(pk__in=order_ids)
        .filter(
            Exists(RefundTransaction.objects.filter(**same_order))
            | Exists(Return.objects.filter(**same_order, status__in=OPEN_RETURNS))
            | Exists(Withdrawal.objects.filter(**same_order, status__in=OPEN_WITHDRAWALS))
        )
        .select_for_update(of=("self",))
        .select_related("store")
        .order_by("pk")
    )


@dataclass
class _Reconciliation:
    """One order, and the store's ids of its new refunds."""

    order: Order
    new_refund_ids: set[str]
    transactions: list[RefundTransaction] = field(init=False)

    def run(self) -> None:
        self.transactions = list(
            RefundTransaction.objects.filter(order=self.order)
            .select_for_update(of=("self",))
            .select_related("return_case", "withdrawal", "refund")
            .order_by("pk")
        )
        new = [*self.order.refunds.filter(store_refund_id__in=self.new_refund_ids, transaction=None)]
        if refund := self._record_unreported_refund():
            new.append(refund)
        unmatched = [
            refund for refund in sorted(new, key=lambda refund: (refund.known_at, refund.pk)) if not self._match(refund)
        ]
        self._replace_own_if_overrefunded(unmatched)
        self._hold_possibly_refunded(unmatched)
        self._refuse_unfunded_transactions()
        self._update_returned_quantities()
        update_order_status(self.order)
        self._stop_blocked_transactions()

    def _record_unreported_refund(self) -> Refund | None:
        """Record the missing amount if a store reports an order as refunded, but not the amount."""
        ledger = load_ledger(self.order)
        recorded = sum((refund.amount for refund in self.order.refunds.all()), ZERO)
        if self.order.status != Order.Status.REFUNDED or recorded >= ledger.paid:
            return None
        return _add_refund(self.order, ledger.paid - recorded, None)

    def _match(self, refund: Refund) -> bool:
        if _is_sum(refund):
            rest = self._split_sum(refund)
            if rest is None:
                return True
            refund = rest
        return self._match_own_refund(refund) or self._match_open_transaction(refund) or self._match_open_case(refund)

    def _split_sum(self, refund: Refund) -> Refund | None:
        """Subtract the refunds known to the portal from an undated sum of several.

        Refunds that staff made manually were made in the store, so the store's sum contains them. Of refunds sent by a
        gateway, and promised ones, only those whose amounts add up exactly to the rest are subtracted. Returns the
        remainder.
        """
        by_hand = [each for each in self._unreported() if each.gateway == StoreGateway.Gateway.MANUAL]
        for transaction in sorted(by_hand, key=lambda each: each.done_at or each.created_at):
            if refund.amount == transaction.amount:
                _replace_own_row(transaction, refund)
                return None
            if refund.amount > transaction.amount:
                _report_part(transaction, refund)
        unreported, promised = self._unreported(), self._open_transactions()
        for transactions in (unreported, promised, [*unreported, *promised]):
            parts = _exact_sum(transactions, refund.amount)
            for transaction in parts:
                is_last = transaction is parts[-1]
                if transaction.status != Status.DONE:
                    part = refund if is_last else _take_part(refund, transaction.amount)
                    complete(transaction, part, part.store_refund_id, Actor.STORE)
                elif is_last:
                    _replace_own_row(transaction, refund)
                else:
                    _report_part(transaction, refund)
            if parts:
                return None
        return refund

    def _open_transactions(self) -> list[RefundTransaction]:
        return [each for each in self.transactions if each.status in RefundTransaction.OPEN]

    # --- Refunds that the portal made ----------------------------------------------------------------------

    def _unreported(self) -> list[RefundTransaction]:
        """Return completed transactions whose refund the store has not reported yet."""
        return [
            each
            for each in self.transactions
            if each.status == Status.DONE
            and each.refund
            and each.refund.store_refund_id.startswith(OWN_REFUND_ID_PREFIX)
        ]

    def _match_own_refund(self, refund: Refund) -> bool:
        """Match a refund of the portal by its reference, or otherwise by its amount."""
        unreported = self._unreported()
        matching = [each for each in unreported if each.store_reference == refund.store_refund_id]
        matching += [
            each
            for each in unreported
            if each.amount == refund.amount and _not_before(refund, each) and not _is_for_others(refund, each.case)
        ]
        if matching:
            _replace_own_row(matching[0], refund)
        return bool(matching)

    def _replace_own_if_overrefunded(self, refunds: list[Refund]) -> None:
        """Match refunds to own ones of a different amount, if the store alone refunded everything that was paid.

        Only refunds that staff made manually in the store can be among them. Refunds sent by a gateway were made in
        addition.
        """
        for refund in refunds:
            by_hand = [
                each
                for each in self._unreported()
                if each.gateway == StoreGateway.Gateway.MANUAL and _not_before(refund, each)
            ]
            own = sum((each.amount for each in self._unreported()), ZERO)
            refunded = load_ledger(self.order).refunded
            if by_hand and refunded > self.order.total and refunded - own >= self.order.total:
                _replace_own_row(min(by_hand, key=lambda each: abs(each.amount - refund.amount)), refund)

    # --- Promised and requested refunds --------------------------------------------------------------------

    def _match_open_transaction(self, refund: Refund) -> bool:
        """Complete a promised transaction of the same amount: the refund was made in the store."""
        matching = [
            each
            for each in self.transactions
            if each.status in RefundTransaction.OPEN
            and each.amount == refund.amount
            and _not_before(refund, each.case)
            and not _is_for_others(refund, each.case)
        ]
        if not matching:
            return False
        # A gateway may have made the refund if its response is missing. A pending one was certainly not sent.
        best = max(matching, key=lambda each: (_same_lines(refund, each.case), each.status == Status.UNCLEAR, -each.pk))
        complete(best, refund, refund.store_refund_id, Actor.STORE)
        return True

    def _match_open_case(self, refund: Refund) -> bool:
        """Close the open case that fits best: same lines and amount, same amount, or all its units refunded."""
        cases = [case for case in self._open_cases() if _not_before(refund, case) and not _is_for_others(refund, case)]
        for matches in (self._matches_lines_and_amount, self._matches_amount, self._covers_units):
            for case in cases:
                if matches(refund, case):
                    self._close(case, refund)
                    return True
        return False

    def _open_cases(self) -> list[RefundCase]:
        """Return open cases, except those whose refund a gateway may currently be making."""
        at_gateway = {each.case for each in self.transactions if each.status == Status.UNCLEAR}
        returns = Return.objects.filter(order=self.order, status__in=OPEN_RETURNS).order_by("pk")
        withdrawals = Withdrawal.objects.filter(order=self.order, status__in=OPEN_WITHDRAWALS).order_by("pk")
        cases: list[RefundCase] = [*returns, *withdrawals]
        return [case for case in cases if case not in at_gateway]

    def _matches_lines_and_amount(self, refund: Refund, case: RefundCase) -> bool:
        return self._matches_amount(refund, case) and _same_lines(refund, case)

    def _matches_amount(self, refund: Refund, case: RefundCase) -> bool:
        if isinstance(case, Return) or case.amount_approved is not None:
            expected = case.amount_approved if case.amount_approved is not None else getattr(case, "amount", None)
            return refund.amount == expected
        return refund.amount == self.order.total

    def _covers_units(self, refund: Refund, case: RefundCase) -> bool:
        """Whether all requested units are refunded, even if the amount is different."""
        if isinstance(case, Return):
            refunded = _refunded_units(refund)
            requested = _requested_units(case)
            return bool(requested) and all(refunded.get(line, 0) >= quantity for line, quantity in requested.items())
        return load_ledger(self.order).refunded >= self.order.total

    def _close(self, case: RefundCase, refund: Refund) -> None:
        for waiting in self.transactions:
            if waiting.status == Status.WAITING and waiting.case == case:
                waiting.status = Status.CANCELLED
                waiting.last_answer = _("The store made this refund (%(reference)s).") % {
                    "reference": refund.store_refund_id
                }
                waiting.save(update_fields=["status", "last_answer"])
        amount = min(refund.amount, case.amount) if isinstance(case, Return) else refund.amount
        if amount <= ZERO:
            return
        transaction = new_transaction(case, amount, gateway_name(self.order))
        complete(transaction, refund, refund.store_refund_id, Actor.STORE)
        self.transactions.append(transaction)

    # --- After matching ------------------------------------------------------------------------------------

    def _hold_possibly_refunded(self, refunds: list[Refund]) -> None:
        """Stop a pending refund that may be part of a sum reported by the store, until staff have checked it.

        The sum doesn't show which refunds it consists of, and a refund must not be made twice.
        """
        for refund in filter(_is_sum, refunds):
            for waiting in self.transactions:
                if waiting.status == Status.WAITING and waiting.amount <= refund.amount:
                    waiting.status = Status.REFUSED
                    waiting.last_answer = _(
                        "The store refunded %(amount)s without naming a reason. If this refund is part of it, mark "
                        "it as refunded. If not, try again."
                    ) % {"amount": format_money(refund.amount, self.order.currency)}
                    waiting.save(update_fields=["status", "last_answer"])
                    add_event(waiting.case, waiting.case.status, Actor.PORTAL, note=waiting.last_answer)

    def _refuse_unfunded_transactions(self) -> None:
        """Refuse pending transactions, newest first, if not enough money is left after the store's refunds."""
        missing = load_ledger(self.order).overpromised
        for waiting in reversed(self.transactions):
            if missing <= ZERO:
                return
            if waiting.status == Status.WAITING:
                waiting.status = Status.REFUSED
                waiting.last_answer = _("The store already refunded so much that the remaining amount is too low.")
                waiting.save(update_fields=["status", "last_answer"])
                missing -= waiting.amount

    def _stop_blocked_transactions(self) -> None:
        """Stop pending refunds of a blocked order, for example after a chargeback, and notify staff."""
        reason = load_ledger(self.order).block_reason
        if reason is None:
            return
        for waiting in self.transactions:
            if waiting.status == Status.WAITING:
                refuse(waiting, reason)
        if reason == BlockReason.CHARGED_BACK:
            for case in self._open_cases():
                if not case.events.filter(note=str(reason.label)).exists():
                    add_event(case, case.status, Actor.PORTAL, note=str(reason.label))

    def _update_returned_quantities(self) -> None:
        """Raise `quantity_returned` to the sum of two kinds of units:

        - units that the store reported with its refunds;
        - units of refunded returns whose refund the store has not reported yet, or has reported without units.
        """
        reported: dict[str, int] = {}
        for refund in self.order.refunds.all():
            for store_line_id, quantity in _refunded_units(refund).items():
                reported[store_line_id] = reported.get(store_line_id, 0) + quantity
        own = dict(
            ReturnLine.objects.filter(
                return_case__order=self.order,
                return_case__status=Return.Status.REFUNDED,
                return_case__transactions__status=Status.DONE,
                return_case__transactions__refund__lines=[],
            )
            .values_list("line_id")
            .annotate(units=Sum("quantity"))
        )
        for line in OrderLine.objects.filter(order=self.order).select_for_update(of=("self",)).order_by("pk"):
            units = min(reported.get(line.store_line_id, 0) + own.get(line.pk, 0), line.quantity)
            if units > line.quantity_returned:
                line.quantity_returned = units
                line.save(update_fields=["quantity_returned"])


def _replace_own_row(transaction: RefundTransaction, refund: Refund) -> None:
    """Link the transaction to the store's row, and delete the portal's own row. Its date is kept if the store's has
    none.
    """
    own = transaction.refund
    transaction.refund = refund
    transaction.save(update_fields=["refund"])
    if own is None:
        return
    if refund.refunded_at is None:
        refund.refunded_at = own.refunded_at
        refund.save(update_fields=["refunded_at"])
    own.delete()


# --- Undated sums ----------------------------------------------------------------------------------------


def _is_sum(refund: Refund) -> bool:
    """Whether the store reported a sum that may be several refunds (intake/ingest/merge_refunds.py)."""
    return refund.store_refund_id.partition("#")[0] == TOTAL_REFUND_ID and not refund.lines


def _exact_sum(transactions: list[RefundTransaction], amount: Decimal) -> list[RefundTransaction]:
    """Return the fewest and oldest transactions that add up to the amount; empty if there are none."""
    candidates = transactions[:MAX_SUMMANDS]
    for size in range(1, len(candidates) + 1):
        for parts in combinations(candidates, size):
            if sum((part.amount for part in parts), ZERO) == amount:
                return list(parts)
    return []


def _report_part(transaction: RefundTransaction, refund: Refund) -> None:
    """Record that part of the store's sum is this refund of the portal. Its own row now counts as the store's."""
    own = transaction.refund
    assert own is not None  # completed
    own.store_refund_id = _next_id(refund.order)
    own.save(update_fields=["store_refund_id"])
    refund.amount -= own.amount
    refund.save(update_fields=["amount"])


def _take_part(refund: Refund, amount: Decimal) -> Refund:
    """Split a refund of this amount from the sum, as a separate row."""
    refund.amount -= amount
    refund.save(update_fields=["amount"])
    return _add_refund(refund.order, amount, refund.refunded_at)


def _add_refund(order: Order, amount: Decimal, refunded_at: datetime | None) -> Refund:
    return Refund.objects.create(
        order=order, store_refund_id=_next_id(order), amount=amount, refunded_at=refunded_at, lines=[]
    )


def _next_id(order: Order) -> str:
    known = set(order.refunds.values_list("store_refund_id", flat=True))
    names = chain([TOTAL_REFUND_ID], (f"{TOTAL_REFUND_ID}#{number}" for number in count(2)))
    return next(name for name in names if name not in known)


def _not_before(refund: Refund, request: RefundTransaction | RefundCase) -> bool:
    return refund.known_at >= request.created_at - DATE_TOLERANCE


def _refunded_units(refund: Refund) -> dict[str, int]:
    """Return the refunded units by the store's line id; empty if the store did not report them."""
    units: dict[str, int] = {}
    for part in refund.lines:
        units[part["id"]] = units.get(part["id"], 0) + part["quantity"]
    return units


def _requested_units(case: Return) -> dict[str, int]:
    return dict(case.lines.values_list("line__store_line_id", "quantity"))


def _is_for_others(refund: Refund, case: RefundCase) -> bool:
    """Whether the store reported units with the refund, and none of them are in the return."""
    if not isinstance(case, Return) or not refund.lines:
        return False
    return not _refunded_units(refund).keys() & _requested_units(case).keys()


def _same_lines(refund: Refund, case: RefundCase) -> bool:
    return isinstance(case, Return) and bool(refund.lines) and _refunded_units(refund) == _requested_units(case)
