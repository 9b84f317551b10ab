"""Property test: in any sequence of actions by buyers, staff and imports, no more is refunded than was paid."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cases import services
from cases.refusals import Refusal
from cases.transitions import email_kind
from notifications.models import Message
from orders.models import Order, OrderLine, Refund
from refunds.ledger import load_ledger
from refunds.models import RefundTransaction, Return, ReturnLine
from refunds.services import returns, transactions
from refunds.services.imported_refunds import reconcile_imported_refunds
from tests.factories import make_agent, make_line, make_order, make_reason

CENTS = st.integers(1, 4500).map(lambda cents: Decimal(cents) / 100)
WHICH = st.integers(0, 5)


class RefundMachine(RuleBasedStateMachine):
    """One order with 3 units for 10.00, which does not divide evenly, and 2 units for 30.00."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize()
    def create_order(self) -> None:
        self.agent = make_agent()
        self.reason = make_reason()
        self.order = make_order(total=Decimal("40.00"), placed_at=timezone.now() - timedelta(days=1))
        self.lines = [
            make_line(self.order, quantity=3, total=Decimal("10.00"), tax=Decimal("1.60")),
            make_line(self.order, quantity=2, total=Decimal("30.00"), tax=Decimal("4.79")),
        ]
        self.ids = count(1)

    def pick_case(self, which: int, *statuses: str) -> Return | None:
        cases = list(Return.objects.filter(status__in=statuses or Return.Status.values).order_by("pk"))
        return cases[which % len(cases)] if cases else None

    @rule(line=st.integers(0, 1), quantity=st.integers(1, 3))
    def request(self, line: int, quantity: int) -> None:
        self.attempt(
            lambda: returns.request_return(
                self.order, [returns.RequestedLine(self.lines[line].pk, quantity)], self.reason
            )
        )

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        if case := self.pick_case(which):
            self.attempt(lambda: services.cancel(case))

    @rule(which=WHICH)
    def ask_and_answer(self, which: int) -> None:
        if case := self.pick_case(which, *Return.UNDECIDED):
            self.attempt(lambda: services.ask_question(case, self.agent, "Which one?"))
            self.attempt(lambda: services.answer_question(case, "This one."))

    @rule(which=WHICH)
    def decline(self, which: int) -> None:
        if case := self.pick_case(which):
            self.attempt(lambda: services.decline(case, self.agent, "No."))

    @rule(which=WHICH, amount=st.none() | CENTS)
    def approve(self, which: int, amount: Decimal | None) -> None:
        if case := self.pick_case(which):
            self.attempt(lambda: returns.approve(case, self.agent, amount))

    @rule(which=WHICH)
    def mark_done(self, which: int) -> None:
        rows = list(RefundTransaction.objects.order_by("pk"))
        if rows:
            chosen = rows[which % len(rows)]
            self.attempt(lambda: transactions.mark_done(chosen, f"BO-{next(self.ids)}", self.agent))

    @rule(
        part=st.none() | CENTS,
        line=st.integers(0, 1),
        quantity=st.integers(0, 2),
        same_as=WHICH,
    )
    def import_refund(self, part: Decimal | None, line: int, quantity: int, same_as: int) -> None:
        """Import a refund that a store can have made: at most what is left, or an own refund under the store's id."""
        case = self.pick_case(same_as)
        amount = part or (case.amount_approved or case.amount if case else Decimal("5.00"))
        reported = Refund.objects.exclude(store_refund_id__startswith=transactions.OWN_REFUND_ID_PREFIX)
        reported_amount = reported.aggregate(sum=Sum("amount"))["sum"] or 0
        if reported_amount + amount > self.order.total:
            return
        store_line = self.lines[line].store_line_id
        units = [{"id": store_line, "quantity": quantity}] if quantity else []
        reported_units = sum(
            each["quantity"] for refund in reported for each in refund.lines if each["id"] == store_line
        )
        if reported_units + quantity > self.lines[line].quantity:
            units = []
        refund = Refund.objects.create(
            order=self.order,
            store_refund_id=f"S-{next(self.ids)}",
            amount=amount,
            refunded_at=timezone.now(),
            lines=units,
        )
        for each in units:  # as the import does
            item = OrderLine.objects.get(order=self.order, store_line_id=each["id"])
            item.quantity_returned = max(item.quantity_returned, reported_units + int(each["quantity"]))
            item.save()
        reconcile_imported_refunds({self.order.pk: [refund.store_refund_id]})

    @rule()
    def import_an_old_status(self) -> None:
        Order.objects.filter(pk=self.order.pk).update(status=Order.Status.COMPLETED)
        reconcile_imported_refunds({self.order.pk: []})

    def attempt(self, action: Callable[[], object]) -> None:
        with suppress(Refusal):
            action()

    # --- Invariants ------------------------------------------------------------------------------------

    @invariant()
    def no_more_is_refunded_or_promised_than_was_paid(self) -> None:
        assert load_ledger(self.order).refunded <= self.order.total
        assert load_ledger(self.order).overpromised == 0

    @invariant()
    def no_more_units_are_returned_than_were_bought(self) -> None:
        for line in OrderLine.objects.all():
            done = RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE).values("return_case")
            refunded = ReturnLine.objects.filter(line=line, return_case__in=done)
            assert 0 <= line.quantity_returned <= line.quantity
            assert (refunded.aggregate(sum=Sum("quantity"))["sum"] or 0) <= line.quantity

    @invariant()
    def each_done_transaction_has_its_own_refund(self) -> None:
        rows = RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE).values_list(
            "refund_id", flat=True
        )
        assert None not in rows
        assert len(set(rows)) == len(rows)

    @invariant()
    def every_status_has_its_event_and_its_email(self) -> None:
        for case in Return.objects.all():
            last = case.events.latest("pk")
            assert last.to_status == case.status
            for event in case.events.exclude(from_status=last.from_status, to_status=last.from_status):
                assert Message.objects.filter(kind=email_kind(Return, event.to_status), object_id=event.pk).exists(), (
                    event
                )
            assert (case.status == Return.Status.REFUNDED) == case.transactions.filter(
                status=RefundTransaction.Status.DONE
            ).exists()

    @invariant()
    def the_order_status_agrees_with_the_refunds(self) -> None:
        if RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE).exists():
            is_full_refund = load_ledger(self.order).refunded >= self.order.total
            status = Order.objects.get(pk=self.order.pk).status
            assert status == (Order.Status.REFUNDED if is_full_refund else Order.Status.PARTIALLY_REFUNDED)


@pytest.mark.django_db
def test_no_more_is_refunded_than_was_paid() -> None:
    run_state_machine_as_test(
        RefundMachine,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
