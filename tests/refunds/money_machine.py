"""State machine of everything that can happen to an order's money. Its invariants are compared with MoneyModel."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from cases import services
from cases.transitions import email_kind
from licenses.models import License
from notifications.models import Message
from orders.models import OrderLine
from orders.services.address_corrections import correct_address
from refunds.ledger import load_ledger
from refunds.models import (
    CashbackClaim,
    RefundTransaction,
    Return,
    ReturnLine,
    StoreGateway,
    Swap,
    Withdrawal,
)
from refunds.refusals import ReturnPeriodEnded
from refunds.services import cashback, returns, sending, swaps, transactions, withdrawals
from tests.orders.correction_helpers import settle_notice
from tests.refunds.cashback import proof
from tests.refunds.money_model import (
    GATEWAY,
    MAX_OWN_STORE_REFUNDS,
    RETURN_DAYS,
    STAFF,
    STORE,
    WHICH,
    MoneyModel,
    Movement,
    Status,
)
from tests.refunds.simulated_store import EMAIL, NUMBER, Dialect
from tests.refunds.withdrawing import withdraw


class MoneyMachine(MoneyModel):
    """What stores, buyers, staff and gateways do, in any order."""

    # --- The store ---------------------------------------------------------------------------------------

    @rule(how=st.sampled_from(["now", "now", "later", "earlier"]), which=st.integers(0, 20))
    def store_exports(self, how: str, which: int) -> None:
        """An export is imported now, or stored and imported later, after newer ones or again."""
        if how == "earlier":
            self.report(self.snapshots[which % len(self.snapshots)])
        elif how == "later":
            self.snapshots.append(self.take_snapshot())
        else:
            self.export()

    @precondition(lambda self: self.store.dialect == Dialect.WOOCOMMERCE and self.movements)
    @rule(which=WHICH)
    def store_exports_a_single_refund(self, which: int) -> None:
        if known := [each for each in self.movements if each.store_refund]:
            movement = known[which % len(known)]
            assert movement.store_refund
            self.store.export_refund(movement.store_refund)
            movement.is_reported = True

    @precondition(lambda self: self.store_status != "pending")
    @rule(tens=st.integers(0, 300), item=st.integers(0, 1), quantity=st.integers(0, 2), is_reported=st.booleans())
    def store_refunds_by_itself(self, tens: int, item: int, quantity: int, is_reported: bool) -> None:
        """The store refunds at most what is left according to its own data, with or without naming units."""
        amount = tens * 10 + 1
        known = [each.store_refund for each in self.movements if each.store_refund]
        own = [each for each in self.movements if each.made_by == STORE and each.fulfills is None]
        if len(own) >= MAX_OWN_STORE_REFUNDS or sum(refund.amount for refund in known) + amount > self.paid:
            return
        if self.would_mix_in_a_sum(is_for_a_case=False):
            return
        chosen = self.store.items[item]
        named = sum(dict(refund.units).get(chosen.id, 0) for refund in known)
        units = ((chosen.id, quantity),) if quantity and named + quantity <= chosen.quantity else ()
        self.movements.append(Movement(amount, STORE, store_refund=self.record_store_refund(amount, units=units)))
        if is_reported:
            self.export()

    @precondition(lambda self: self.promises)
    @rule(which=WHICH, is_exported=st.booleans())
    def staff_refund_in_the_store_without_the_portal(self, which: int, is_exported: bool) -> None:
        """A pending refund is made in the store's back office; an export, or `mark_done`, reports it."""
        row = self.pick_transaction(which, Status.WAITING)
        if row is None or any(each.fulfills == row.pk for each in self.movements):
            return
        amount = self.units(row.amount)
        if self.has_another_of(amount, row.pk) or self.would_mix_in_a_sum(is_for_a_case=True):
            return
        self.movements.append(Movement(amount, STORE, row.pk, self.record_store_refund(amount)))
        if is_exported:
            self.export()

    def would_mix_in_a_sum(self, is_for_a_case: bool) -> bool:
        """Whether one increase of the store's sum would contain both a refund for a case and one by the store.

        See the test below that is expected to fail.
        """
        unreported = [each for each in self.movements if each.made_by == STORE and not each.is_reported]
        return self.store.dialect == Dialect.SHOPIFY and any(
            (each.fulfills is None) == is_for_a_case for each in unreported
        )

    def has_another_of(self, amount: int, transaction_id: int) -> bool:
        """Whether a store's refund of this amount may also belong to another transaction."""
        others = {pk: each for pk, each in self.promises.items() if pk != transaction_id}
        return bool(others) and (amount in others.values() or any(each.made_by == GATEWAY for each in self.movements))

    @precondition(lambda self: self.store_status == "pending")
    @rule()
    def store_confirms_the_payment(self) -> None:
        self.store_status = "completed"

    @precondition(lambda self: self.promises and self.store_status == "completed")
    @rule(is_chargeback=st.booleans())
    def order_is_canceled_or_charged_back(self, is_chargeback: bool) -> None:
        """A later export reports it."""
        is_portal = self.store.dialect in (Dialect.PORTAL, Dialect.PORTAL_WITH_VERSIONS)
        self.store_status = "charged_back" if is_chargeback and is_portal else "cancelled"

    # --- The buyer ---------------------------------------------------------------------------------------

    @rule(line=st.integers(0, 1), quantity=st.integers(1, 3), tens=st.none() | st.integers(1, 300))
    def buyer_returns_and_staff_approve(self, line: int, quantity: int, tens: int | None) -> None:
        if self.request_return(line, quantity):
            self.approve_return(Return.objects.latest("pk"), tens)

    @rule(line=st.integers(0, 1), quantity=st.integers(1, 3), is_canceled=st.booleans())
    def buyer_returns(self, line: int, quantity: int, is_canceled: bool) -> None:
        if self.request_return(line, quantity) and is_canceled:
            self.attempt(lambda: services.cancel(Return.objects.latest("pk")))

    def request_return(self, line: int, quantity: int) -> bool:
        wanted = [returns.RequestedLine(self.lines[line].pk, quantity)]
        return self.attempt(lambda: self.request_in_time(wanted))

    def request_in_time(self, wanted: list[returns.RequestedLine]) -> None:
        try:
            returns.request_return(self.order, wanted, self.reason)
        except ReturnPeriodEnded:
            assert timezone.now() >= self.store.placed_at + timedelta(days=RETURN_DAYS)
            raise

    @precondition(lambda self: self.promises)
    @rule(tens=st.none() | st.integers(1, 600), is_declined=st.booleans())
    def buyer_withdraws(self, tens: int | None, is_declined: bool) -> None:
        statement = withdrawals.WithdrawalStatement("Bea Buyer", NUMBER, EMAIL)
        self.attempt(lambda: withdraw(statement, "en"))
        case = Withdrawal.objects.latest("pk")
        amount = None if tens is None else self.decimal(tens * 10)
        if is_declined:
            self.attempt(lambda: services.decline(case, self.agent, "No."))
        elif not self.is_pending_in_the_store(self.units(amount or load_ledger(self.order).left)):
            self.attempt(lambda: withdrawals.approve(case, self.agent, amount))

    @precondition(lambda self: self.promises)
    @rule(what=st.sampled_from(["swap", "cashback", "decide", "decide", "address"]), line=st.integers(0, 1))
    def buyer_swaps_claims_or_corrects(self, what: str, line: int) -> None:
        request = swaps.SwapRequest(self.lines[line].pk, self.offer)
        serial = License.objects.earliest("pk").serial
        if what == "swap":
            self.attempt(lambda: swaps.request_swap(self.order, request))
        elif what == "cashback":
            self.attempt(lambda: cashback.request_cashback([self.order], serial, "DE", proof()))
        elif what == "address":
            if self.attempt(lambda: correct_address(self.order, f"bea{next(self.ids)}@example.com")):
                settle_notice(self.order.address_corrections.latest("pk"), Message.Status.SENT, timezone.now())
        else:
            self.decide_swap_and_cashback()

    # --- Staff -------------------------------------------------------------------------------------------

    @rule(which=WHICH, action=st.sampled_from(["approve", "approve", "ask", "decline", "cancel"]))
    def decide_a_return(self, which: int, action: str) -> None:
        cases = list(Return.objects.order_by("pk"))
        if not cases:
            return
        case = cases[which % len(cases)]
        if action == "approve":
            self.approve_return(case, None)
        elif action == "ask":
            self.attempt(lambda: services.ask_question(case, self.agent, "Which one?"))
            self.attempt(lambda: services.answer_question(case, "This one."))
        elif action == "decline":
            self.attempt(lambda: services.decline(case, self.agent, "No."))
        else:
            self.attempt(lambda: services.cancel(case))

    def approve_return(self, case: Return, tens: int | None) -> None:
        amount = None if tens is None else self.decimal(tens * 10)
        if not self.is_pending_in_the_store(self.units(case.amount if amount is None else amount)):
            self.attempt(lambda: returns.approve(case, self.agent, amount))

    def is_pending_in_the_store(self, amount: int) -> bool:
        """Whether the store made a refund of this amount for another transaction, and has not reported it."""
        return any(each.amount == amount and each.fulfills and not each.is_reported for each in self.movements)

    def decide_swap_and_cashback(self) -> None:
        actions: list[Callable[[], object]] = []
        if swap := Swap.objects.last():
            serial = f"XSWP-{next(self.ids)}"
            actions += [lambda: swaps.approve(swap, self.agent)]
            actions += [lambda: swaps.give_new_serial(swap, self.agent, serial)]
        if claim := CashbackClaim.objects.last():
            actions += [lambda: cashback.approve(claim, self.agent)]
            actions += [lambda: cashback.record_payout(claim, self.agent, "Bank transfer")]
        for action in actions:
            assert not (self.attempt(action) and self.is_blocked)

    @precondition(lambda self: self.promises)
    @rule(which=WHICH)
    def staff_refund_by_hand(self, which: int) -> None:
        """Staff look at the portal, refund in the store's back office, and mark the refund as done."""
        rows = RefundTransaction.objects.waiting_for_staff() | RefundTransaction.objects.filter(status=Status.REFUSED)
        chosen = list(rows.order_by("pk"))
        if not chosen:
            return
        row = chosen[which % len(chosen)]
        made = next((each for each in self.movements if each.fulfills == row.pk), None)
        amount = self.units(row.amount)
        known = made.store_refund if made else self.record_store_refund(amount)
        assert known
        known_before, was_blocked = self.known_refunds, self.is_blocked
        if not self.attempt(lambda: transactions.mark_done(row, known.id, self.agent)):
            return
        assert not was_blocked
        assert known_before + amount <= self.paid
        done = RefundTransaction.objects.get(store_reference=known.id)
        if made:
            made.is_reported, made.fulfills = True, done.pk
        else:
            self.movements.append(Movement(amount, STAFF, done.pk, known, is_reported=True))

    @precondition(lambda self: self.promises)
    @rule(which=WHICH, by_hand=st.booleans())
    def staff_try_again(self, which: int, by_hand: bool) -> None:
        if row := self.pick_transaction(which, Status.REFUSED):
            self.attempt(lambda: transactions.switch_to_manual(row) if by_hand else transactions.retry(row))

    # --- The gateway and the clock -----------------------------------------------------------------------

    @precondition(lambda self: self.promises)
    @rule(
        plan=st.sampled_from(["ok", "ok", "refused", "timeout", "timeout: nothing moved"]), minutes=st.integers(0, 90)
    )
    def send_refunds(self, plan: str, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))
        self.gateway.plan = plan
        sending.send_due()
        if self.gateway.violation:
            raise self.gateway.violation

    @precondition(lambda self: self.gateway.references)
    @rule(which=WHICH)
    def gateway_answers_twice(self, which: int) -> None:
        row = self.pick_transaction(which, Status.DONE)
        if row and str(row.idempotency_key) in self.gateway.references:
            row.gateway = StoreGateway.Gateway.STRIPE
            sending._store_result(row, self.gateway._done(row), timezone.now())

    @precondition(lambda self: self.elapsed() < timedelta(days=80))
    @rule(days=st.sampled_from([1, 2, 7, 13]))
    def wait(self, days: int) -> None:
        self.time.shift(timedelta(days=days))

    def elapsed(self) -> timedelta:
        now: datetime = timezone.now()
        return now - self.store.placed_at

    # --- Invariants --------------------------------------------------------------------------------------

    @invariant()
    def money_and_units_are_right(self) -> None:
        ledger = load_ledger(self.order)
        refunded, promised, left = (self.units(each) for each in (ledger.refunded, ledger.promised, ledger.left))
        rows = list(RefundTransaction.objects.all())
        unclear = sum(self.units(row.amount) for row in rows if row.status == Status.UNCLEAR)
        assert refunded == self.known_refunds, "each movement is counted once"
        assert promised <= self.promised, "nothing is promised that has moved"
        assert refunded + promised - unclear <= max(self.paid, refunded), "nothing is promised that is not left"
        assert left == max(self.paid - self.known_refunds - promised, 0), "nothing is left that is not paid"
        if self.reported_status in ("cancelled", "charged_back"):
            assert all(row.status != Status.WAITING for row in rows), "nothing waits for a blocked order"
        self.assert_units_and_deadlines(rows)
        done = [row.refund_id for row in rows if row.status == Status.DONE]
        assert None not in done, "each refund that is done is on the order"
        assert len(set(done)) == len(done), "each refund that is done is on the order by itself"

    def assert_units_and_deadlines(self, rows: list[RefundTransaction]) -> None:
        refunded_cases = {row.return_case_id for row in rows if row.status == Status.DONE}
        returned = list(ReturnLine.objects.filter(return_case__in=refunded_cases - {None}))
        for line in OrderLine.objects.all():
            assert 0 <= line.quantity_returned <= line.quantity
            assert sum(each.quantity for each in returned if each.line_id == line.pk) <= line.quantity
            assert line.return_until is not None
            assert line.return_until >= self.store.placed_at + timedelta(days=RETURN_DAYS)
        for case in Return.objects.all():
            assert (case.status == Return.Status.REFUNDED) == (case.pk in refunded_cases)

    def teardown(self) -> None:
        try:
            if hasattr(self, "order"):
                self.assert_every_status_has_its_event_and_its_email()
        finally:
            self.patch.stop()
            self.clock.stop()
            self.folder.cleanup()
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def assert_every_status_has_its_event_and_its_email(self) -> None:
        for case in Return.objects.all():
            events = list(case.events.order_by("pk"))
            assert events[-1].to_status == case.status
            for event in events:
                if event.from_status != event.to_status:
                    kind = email_kind(Return, event.to_status)
                    assert Message.objects.filter(kind=kind, object_id=event.pk).exists(), event
