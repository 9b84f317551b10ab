"""Whatever buyers, staff, gateways and imports do in whatever order: never more back than was paid."""

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

from cases import steps
from cases.refusals import Refusal
from cases.transitions import mail_kind
from notifications.models import Message
from orders.models import Order, OrderLine, Refund
from refunds.models import RefundTransaction, Return, ReturnLine
from refunds.services import money, returns
from refunds.services.imported import meet_imported_refunds
from tests.factories import make_agent, make_line, make_order, make_reason

CENTS = st.integers(1, 4500).map(lambda cents: Decimal(cents) / 100)
WHICH = st.integers(0, 5)


class MoneyMachine(RuleBasedStateMachine):
    """One order of 3 suites for 10.00 together, which don't divide, and 2 backups for 30.00."""

    def __init__(self) -> None:
        super().__init__()
        self.of_this_course = transaction.atomic()
        self.of_this_course.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.of_this_course.__exit__(None, None, None)

    @initialize()
    def an_order(self) -> None:
        self.agent = make_agent()
        self.reason = make_reason()
        self.order = make_order(total=Decimal("40.00"), placed_at=timezone.now() - timedelta(days=1))
        self.lines = [
            make_line(self.order, quantity=3, total=Decimal("10.00"), tax=Decimal("1.60")),
            make_line(self.order, quantity=2, total=Decimal("30.00"), tax=Decimal("4.79")),
        ]
        self.ids = count(1)

    def a_case(self, which: int, *statuses: str) -> Return | None:
        cases = list(Return.objects.filter(status__in=statuses or Return.Status.values).order_by("pk"))
        return cases[which % len(cases)] if cases else None

    @rule(line=st.integers(0, 1), quantity=st.integers(1, 3))
    def request(self, line: int, quantity: int) -> None:
        self.attempt(
            lambda: returns.request_return(self.order, [returns.Wanted(self.lines[line].pk, quantity)], self.reason)
        )

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        if case := self.a_case(which):
            self.attempt(lambda: steps.cancel(case))

    @rule(which=WHICH)
    def ask_and_answer(self, which: int) -> None:
        if case := self.a_case(which, *Return.UNDECIDED):
            self.attempt(lambda: steps.ask(case, self.agent, "Which one?"))
            self.attempt(lambda: steps.answer(case, "This one."))

    @rule(which=WHICH)
    def decline(self, which: int) -> None:
        if case := self.a_case(which):
            self.attempt(lambda: steps.decline(case, self.agent, "No."))

    @rule(which=WHICH, amount=st.none() | CENTS)
    def approve(self, which: int, amount: Decimal | None) -> None:
        if case := self.a_case(which):
            self.attempt(lambda: returns.approve(case, self.agent, amount))

    @rule(which=WHICH)
    def mark_done(self, which: int) -> None:
        transactions = list(RefundTransaction.objects.order_by("pk"))
        if transactions:
            chosen = transactions[which % len(transactions)]
            self.attempt(lambda: money.mark_done(chosen, f"BO-{next(self.ids)}", self.agent))

    @rule(
        part=st.none() | CENTS,
        line=st.integers(0, 1),
        quantity=st.integers(0, 2),
        same_as=WHICH,
    )
    def import_refund(self, part: Decimal | None, line: int, quantity: int, same_as: int) -> None:
        """What a store may truly have sent: what is left, or what it is told of our own refund under its own id."""
        case = self.a_case(same_as)
        amount = part or (case.amount_approved or case.amount if case else Decimal("5.00"))
        told_by_store = Refund.objects.exclude(store_refund_id__startswith=money.OWN_ID)
        told = told_by_store.aggregate(sum=Sum("amount"))["sum"] or 0
        if told + amount > self.order.total:
            return
        store_line = self.lines[line].store_line_id
        units = [{"id": store_line, "quantity": quantity}] if quantity else []
        already = sum(each["quantity"] for refund in told_by_store for each in refund.lines if each["id"] == store_line)
        if already + quantity > self.lines[line].quantity:
            units = []
        refund = Refund.objects.create(
            order=self.order,
            store_refund_id=f"S-{next(self.ids)}",
            amount=amount,
            refunded_at=timezone.now(),
            lines=units,
        )
        for each in units:  # as the import counts them
            item = OrderLine.objects.get(order=self.order, store_line_id=each["id"])
            item.quantity_returned = max(item.quantity_returned, already + int(each["quantity"]))
            item.save()
        meet_imported_refunds({self.order.pk: [refund.store_refund_id]})

    @rule()
    def import_an_old_status(self) -> None:
        Order.objects.filter(pk=self.order.pk).update(status=Order.Status.COMPLETED)
        meet_imported_refunds({self.order.pk: []})

    def attempt(self, verb: Callable[[], object]) -> None:
        with suppress(Refusal):
            verb()

    # --- What holds always -----------------------------------------------------------------------------

    @invariant()
    def no_more_goes_back_than_was_paid(self) -> None:
        assert money.refunded(self.order) <= self.order.total
        assert money.unpromised(self.order) >= 0

    @invariant()
    def no_more_units_are_given_back_or_asked_for_than_were_bought(self) -> None:
        for line in OrderLine.objects.all():
            done = RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE).values("return_case")
            refunded = ReturnLine.objects.filter(line=line, return_case__in=done)
            assert 0 <= line.quantity_returned <= line.quantity
            assert (refunded.aggregate(sum=Sum("quantity"))["sum"] or 0) <= line.quantity

    @invariant()
    def each_refund_that_is_done_is_money_of_its_own(self) -> None:
        rows = RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE).values_list(
            "refund_id", flat=True
        )
        assert None not in rows
        assert len(set(rows)) == len(rows)

    @invariant()
    def every_state_has_its_row_and_its_mail(self) -> None:
        for case in Return.objects.all():
            last = case.events.latest("pk")
            assert last.to_status == case.status
            for event in case.events.exclude(from_status=last.from_status, to_status=last.from_status):
                assert Message.objects.filter(kind=mail_kind(Return, event.to_status), object_id=event.pk).exists(), (
                    event
                )
            assert (case.status == Return.Status.REFUNDED) == case.transactions.filter(
                status=RefundTransaction.Status.DONE
            ).exists()

    @invariant()
    def once_we_sent_money_the_status_says_what_went_back(self) -> None:
        if RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE).exists():
            whole = money.refunded(self.order) >= self.order.total
            status = Order.objects.get(pk=self.order.pk).status
            assert status == (Order.Status.REFUNDED if whole else Order.Status.PARTIALLY_REFUNDED)


@pytest.mark.django_db
def test_money_under_any_course_of_events() -> None:
    run_state_machine_as_test(
        MoneyMachine,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
