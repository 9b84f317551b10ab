"""Refunds that a store made itself and that come in with its orders: they meet what the portal knows of.

Money is counted once: a refund that is one of ours takes the place of our own row, and one that answers
an open wish closes it. The caller, an import, holds the orders' locks, and brought the refunds in the
same transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

from django.db.models import Exists, OuterRef, Sum
from django.utils.translation import gettext as _

from cases.transitions import Actor
from orders.models import Order, OrderLine, Refund
from refunds.amounts import ZERO
from refunds.models import RefundTransaction, Return, ReturnLine, Swap, Withdrawal
from refunds.services.money import (
    OWN_ID,
    AnyCase,
    Status,
    gateway_name,
    new_transaction,
    refunded,
    settle,
    settle_status,
    unpromised,
)

# Stores write some refunds with a day only, or by another clock: one dated earlier than this is another one.
EARLIER_BY = timedelta(days=1)
OPEN_RETURNS = [*Return.UNDECIDED, Return.Status.APPROVED]
OPEN_WITHDRAWALS = [*Withdrawal.UNDECIDED, Withdrawal.Status.APPROVED]


def held_lines(order_ids: Collection[int]) -> set[int]:
    """Lines of these orders that somebody asked to return or to swap: no import takes them away."""
    returned = ReturnLine.objects.filter(line__order_id__in=order_ids).values_list("line_id", flat=True)
    swapped = Swap.objects.filter(order_id__in=order_ids).values_list("line_id", flat=True)
    return set(chain(returned, swapped))


def meet_imported_refunds(arrived: Mapping[int, Collection[str]]) -> None:
    """For each order that an import changed, by its id: the store's ids of the refunds that it brought just now.

    One query where none of these orders has a case. Afterwards each order's status is what its refunds
    say, whatever the import said.
    """
    for order in _concerned(arrived):
        _Meeting(order, set(arrived[order.pk])).hold()


def _concerned(order_ids: Collection[int]) -> list[Order]:
    if not order_ids:
        return []
    of_this = {"order": OuterRef("pk")}
    return list(
        Order.objects.filter(pk__in=order_ids)
        .filter(Exists(Refund.objects.filter(**of_this)))
        .filter(
            Exists(RefundTransaction.objects.filter(**of_this))
            | Exists(Return.objects.filter(**of_this, status__in=OPEN_RETURNS))
            | Exists(Withdrawal.objects.filter(**of_this, status__in=OPEN_WITHDRAWALS))
        )
        .select_for_update(of=("self",))
        .select_related("store")
        .order_by("pk")
    )


@dataclass
class _Meeting:
    """One order, and which of its refunds are new."""

    order: Order
    arrived: set[str]
    transactions: list[RefundTransaction] = field(init=False)

    def hold(self) -> None:
        self.transactions = list(
            RefundTransaction.objects.filter(order=self.order)
            .select_for_update(of=("self",))
            .select_related("return_case", "withdrawal", "refund")
            .order_by("pk")
        )
        new = self.order.refunds.filter(store_refund_id__in=self.arrived, transaction=None)
        left = [refund for refund in new.order_by("refunded_at", "pk") if not self._meets(refund)]
        self._count_once(left)
        self._give_up_what_is_too_much()
        self._count_units()
        settle_status(self.order)

    def _meets(self, refund: Refund) -> bool:
        return self._is_ours(refund) or self._answers_promise(refund) or self._answers_wish(refund)

    # --- Money that we know of ---------------------------------------------------------------------------

    def _own(self) -> list[RefundTransaction]:
        """Done by us, and not told by the store yet."""
        return [
            each
            for each in self.transactions
            if each.status == Status.DONE and each.refund and each.refund.store_refund_id.startswith(OWN_ID)
        ]

    def _is_ours(self, refund: Refund) -> bool:
        own = self._own()
        same = [each for each in own if each.store_reference == refund.store_refund_id]
        same += [
            each
            for each in own
            if each.amount == refund.amount and _not_before(refund, each) and not _about_others(refund, each.case)
        ]
        if same:
            _take_place(same[0], refund)
        return bool(same)

    def _count_once(self, refunds: list[Refund]) -> None:
        """More cannot have gone back than was paid: then refunds of another amount are ours told otherwise."""
        for refund in refunds:
            own = [each for each in self._own() if _not_before(refund, each)]
            if own and refunded(self.order) > self.order.total:
                _take_place(min(own, key=lambda each: abs(each.amount - refund.amount)), refund)

    # --- Money that is promised or asked for -------------------------------------------------------------

    def _answers_promise(self, refund: Refund) -> bool:
        """Just as much as is promised: then the store made this refund, or somebody in its back office did."""
        promised = [
            each
            for each in self.transactions
            if each.status in RefundTransaction.OPEN
            and each.amount == refund.amount
            and _not_before(refund, each.case)
            and not _about_others(refund, each.case)
        ]
        if not promised:
            return False
        best = max(promised, key=lambda each: (_same_lines(refund, each.case), -each.pk))
        settle(best, refund, refund.store_refund_id, Actor.STORE)
        return True

    def _answers_wish(self, refund: Refund) -> bool:
        """The refund of a case that nobody decided, that a gateway refused, or whose very units it covers."""
        cases = [case for case in self._open_cases() if _not_before(refund, case) and not _about_others(refund, case)]
        for fits in (self._fits_by_lines_and_amount, self._fits_by_amount, self._covers):
            for case in cases:
                if fits(refund, case):
                    self._close(case, refund)
                    return True
        return False

    def _open_cases(self) -> list[AnyCase]:
        """Open cases; not those whose money a gateway may be moving in this moment."""
        in_hand = {each.case for each in self.transactions if each.status == Status.UNCLEAR}
        returns = Return.objects.filter(order=self.order, status__in=OPEN_RETURNS).order_by("pk")
        withdrawals = Withdrawal.objects.filter(order=self.order, status__in=OPEN_WITHDRAWALS).order_by("pk")
        cases: list[AnyCase] = [*returns, *withdrawals]
        return [case for case in cases if case not in in_hand]

    def _fits_by_lines_and_amount(self, refund: Refund, case: AnyCase) -> bool:
        return self._fits_by_amount(refund, case) and _same_lines(refund, case)

    def _fits_by_amount(self, refund: Refund, case: AnyCase) -> bool:
        if isinstance(case, Return) or case.amount_approved is not None:
            wanted = case.amount_approved if case.amount_approved is not None else getattr(case, "amount", None)
            return refund.amount == wanted
        return refund.amount == self.order.total

    def _covers(self, refund: Refund, case: AnyCase) -> bool:
        """Its units are refunded, for another amount: a return of them would be a second refund."""
        if isinstance(case, Return):
            told = _units_of(refund)
            asked = _units_asked(case)
            return bool(asked) and all(told.get(line_id, 0) >= quantity for line_id, quantity in asked.items())
        return refunded(self.order) >= self.order.total

    def _close(self, case: AnyCase, refund: Refund) -> None:
        for waiting in self.transactions:
            if waiting.status == Status.WAITING and waiting.case == case:
                waiting.status = Status.CANCELLED
                waiting.last_answer = _("The store made this refund itself (%(reference)s).") % {
                    "reference": refund.store_refund_id
                }
                waiting.save(update_fields=["status", "last_answer"])
        amount = min(refund.amount, case.amount) if isinstance(case, Return) else refund.amount
        if amount <= ZERO:
            return
        transaction = new_transaction(case, amount, gateway_name(self.order))
        settle(transaction, refund, refund.store_refund_id, Actor.STORE)
        self.transactions.append(transaction)

    # --- What stands afterwards ----------------------------------------------------------------------------

    def _give_up_what_is_too_much(self) -> None:
        """What was promised is not sent where the store itself gave back so much that too little is left."""
        left = unpromised(self.order)
        for waiting in reversed(self.transactions):
            if left >= ZERO:
                return
            if waiting.status == Status.WAITING:
                waiting.status = Status.REFUSED
                waiting.last_answer = _("The store gave back so much itself that not enough of what was paid is left.")
                waiting.save(update_fields=["status", "last_answer"])
                left += waiting.amount

    def _count_units(self) -> None:
        """Units that the store told of, and those of our returns whose refund it did not tell of, or not the units."""
        told: dict[str, int] = {}
        for refund in self.order.refunds.all():
            for store_line_id, quantity in _units_of(refund).items():
                told[store_line_id] = told.get(store_line_id, 0) + quantity
        ours = dict(
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
            units = min(told.get(line.store_line_id, 0) + ours.get(line.pk, 0), line.quantity)
            if units > line.quantity_returned:
                line.quantity_returned = units
                line.save(update_fields=["quantity_returned"])


def _take_place(transaction: RefundTransaction, refund: Refund) -> None:
    """The store's row stands for the money from now on, and ours goes."""
    own = transaction.refund
    transaction.refund = refund
    transaction.save(update_fields=["refund"])
    if own is not None:
        own.delete()


def _not_before(refund: Refund, what: RefundTransaction | AnyCase) -> bool:
    return refund.refunded_at >= what.created_at - EARLIER_BY


def _units_of(refund: Refund) -> dict[str, int]:
    """How many units of which line, by the store's line id; empty where the store did not say."""
    units: dict[str, int] = {}
    for part in refund.lines:
        units[part["id"]] = units.get(part["id"], 0) + part["quantity"]
    return units


def _units_asked(case: Return) -> dict[str, int]:
    return dict(case.lines.values_list("line__store_line_id", "quantity"))


def _about_others(refund: Refund, case: AnyCase) -> bool:
    """Whether the store says that it refunded none of the items that a return asks for."""
    return isinstance(case, Return) and bool(refund.lines) and not _units_of(refund).keys() & _units_asked(case).keys()


def _same_lines(refund: Refund, case: AnyCase) -> bool:
    return isinstance(case, Return) and bool(refund.lines) and _units_of(refund) == _units_asked(case)
