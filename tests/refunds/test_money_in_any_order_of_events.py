"""Property test: whatever happens to an order in whatever order, its money is right.

The reference model keeps plain sums of what the store, the gateway and staff really moved, and of which of it the
portal was told. Amounts are whole numbers of the currency's smallest unit. What only a person could tell apart is
left out: what a store refunds by itself always ends in 1, what the portal refunds ends in 0.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
import time_machine
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from cases import services
from cases.refusals import Refusal
from cases.transitions import email_kind
from licenses.models import License
from notifications.models import Message
from orders.models import Order, OrderLine
from orders.money import smallest_unit
from orders.services.address_corrections import CorrectionError, correct_address
from refunds.gateways import GATEWAYS
from refunds.gateways.results import GatewayResult, RefundDone, RefundNotFound, RefundRefused, RefundUnclear
from refunds.ledger import load_ledger
from refunds.models import CashbackClaim, RefundTransaction, Return, ReturnLine, StoreGateway, Swap, SwapOffer, Withdrawal
from refunds.refusals import ReturnPeriodEnded
from refunds.services import cashback, returns, sending, swaps, transactions, withdrawals
from tests.factories import make_agent, make_license, make_product, make_reason, make_store
from tests.refunds.cashback import make_promotion, proof
from tests.refunds.simulated_store import EMAIL, NUMBER, SLUG, Dialect, Item, SimulatedStore, Snapshot, StoreRefund

pytestmark = pytest.mark.django_db

STORE, STAFF, GATEWAY = "store", "staff", "gateway"
RETURN_DAYS = 30
MAX_OWN_STORE_REFUNDS = 4  # so that their sum never ends in 0
STATUS_RANK = ["pending", "completed", "cancelled", "charged_back"]
WHICH = st.integers(0, 5)
Status = RefundTransaction.Status


@dataclass
class Movement:
    """Money that really went back."""

    amount: int
    made_by: str
    fulfills: int | None = None  # the transaction that it was made for
    store_refund: StoreRefund | None = None  # as the store knows it
    is_told: bool = False  # the portal knows


class FakeGateway:
    """The payment provider. It moves money once per key, and answers as planned."""

    def __init__(self, machine: "MoneyMachine") -> None:
        self.machine = machine
        self.plan = "ok"
        self.references: dict[str, str] = {}

    def send(self, row: RefundTransaction) -> GatewayResult:
        key = str(row.idempotency_key)
        if self.plan == "refused":
            return RefundRefused("The card is closed.")
        if key not in self.references and self.plan != "timeout, nothing moved":
            self.references[key] = f"re_{len(self.references) + 1}"
            self.machine.gateway_moved(row)
        if self.plan.startswith("timeout"):
            return RefundUnclear("No answer.")
        return self._done(row)

    def look_up(self, row: RefundTransaction) -> GatewayResult | RefundNotFound:
        if self.plan.startswith("timeout"):
            return RefundUnclear("No answer.")
        return self._done(row) if str(row.idempotency_key) in self.references else RefundNotFound()

    def _done(self, row: RefundTransaction) -> RefundDone:
        self.machine.movement_for(row.pk).is_told = True
        return RefundDone(self.references[str(row.idempotency_key)])


class MoneyMachine(RuleBasedStateMachine):
    """One order with 3 units of one item and 2 of another."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.folder = tempfile.TemporaryDirectory()
        # Ends before today: the database's own clock does not travel.
        self.clock = time_machine.travel(timezone.now() - timedelta(days=100), tick=False)
        self.time = self.clock.start()
        self.gateway = FakeGateway(self)
        self.patch = patch.dict(GATEWAYS, {StoreGateway.Gateway.STRIPE: self.gateway})
        self.patch.start()

    def teardown(self) -> None:
        self.patch.stop()
        self.clock.stop()
        self.folder.cleanup()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(
        dialect=st.sampled_from(Dialect),
        currency=st.sampled_from(["EUR", "JPY", "KWD"]),
        is_paid=st.sampled_from([True, True, True, False]),
        gateway=st.sampled_from(StoreGateway.Gateway),
        hears=st.booleans(),
    )
    def create_order(self, dialect: Dialect, currency: str, is_paid: bool, gateway: str, hears: bool) -> None:
        self.movements: list[Movement] = []
        self.promises: dict[int, int] = {}  # approved amounts, by transaction
        self.ids = count(901)
        # Some stores hear from the gateway what the portal refunded there. One that tells only sums does not.
        self.hears_of_gateway = hears and dialect != Dialect.SHOPIFY
        self.store_status = "completed" if is_paid else "pending"
        self.told_status = "pending"
        self.is_refund_told_by_status = False
        self.snapshots: list[Snapshot] = []
        self.agent, self.reason = make_agent(), make_reason()
        store = make_store(slug=SLUG)
        StoreGateway.objects.create(store=store, gateway=gateway)
        placed_at = timezone.now().replace(microsecond=0)
        items = [Item("1", 3, 1000), Item("2", 2, 1500)]
        self.store = SimulatedStore(dialect, currency, items, placed_at, Path(self.folder.name))
        self.export()
        self.order = Order.objects.get(number=NUMBER)
        product = make_product()
        self.lines = list(self.order.lines.order_by("position"))
        make_license(self.lines[1], product=product, activated_at=None)
        self.offer = SwapOffer.objects.create(
            store=store, product=make_product(), name="Another", currency=currency, price=self.decimal(1000)
        )
        make_promotion(product, currency=currency, amount=self.decimal(100))

    # --- The model ---------------------------------------------------------------------------------------

    @property
    def paid(self) -> int:
        return self.store.total

    @property
    def told(self) -> int:
        """What the portal knows to have gone back."""
        told = sum(movement.amount for movement in self.movements if movement.is_told)
        return max(told, self.paid) if self.is_refund_told_by_status else told

    @property
    def promised(self) -> int:
        """What was approved and, as far as the portal knows, did not go back."""
        fulfilled = {movement.fulfills for movement in self.movements if movement.is_told}
        return sum(amount for pk, amount in self.promises.items() if pk not in fulfilled)

    @property
    def is_blocked(self) -> bool:
        return self.told_status != "completed" or self.is_refund_told_by_status

    def decimal(self, amount: int) -> Decimal:
        return amount * smallest_unit(self.store.currency)

    def units(self, amount: Decimal) -> int:
        return int(amount / smallest_unit(self.store.currency))

    def movement_for(self, transaction_id: int) -> Movement:
        return next(each for each in self.movements if each.fulfills == transaction_id)

    def record_store_refund(self, amount: int, reference: str = "", units: tuple[tuple[str, int], ...] = ()) -> StoreRefund:
        return StoreRefund(reference or str(next(self.ids)), amount, timezone.now(), units)

    def assert_may_move(self, amount: int) -> None:
        """Called whenever the portal moves money or has it moved."""
        assert not self.is_blocked, f"paid on although {self.told_status}"
        known = sum(each.amount for each in self.movements if each.is_told or each.made_by == GATEWAY)
        assert known + amount <= self.paid

    def gateway_moved(self, row: RefundTransaction) -> None:
        amount = self.units(row.amount)
        self.assert_may_move(amount)
        assert not Order.objects.get(pk=self.order.pk).is_frozen(timezone.now())
        assert all(each.fulfills != row.pk for each in self.movements if each.is_told)
        known = self.record_store_refund(amount) if self.hears_of_gateway else None
        self.movements.append(Movement(amount, GATEWAY, row.pk, known))

    def attempt(self, action: Callable[[], object]) -> bool:
        """Returns whether the action was accepted."""
        before = set(RefundTransaction.objects.values_list("pk", flat=True))
        with suppress(Refusal, CorrectionError):
            action()
            for row in RefundTransaction.objects.exclude(pk__in=before):
                assert not self.is_blocked
                self.promises[row.pk] = self.units(row.amount)
            return True
        return False

    def pick_return(self, which: int, *statuses: str) -> Return | None:
        cases = list(Return.objects.filter(status__in=statuses or Return.Status.values).order_by("pk"))
        return cases[which % len(cases)] if cases else None

    def pick_transaction(self, which: int, *statuses: str) -> RefundTransaction | None:
        rows = list(RefundTransaction.objects.filter(status__in=statuses or Status.values).order_by("pk"))
        return rows[which % len(rows)] if rows else None

    # --- The store ---------------------------------------------------------------------------------------

    def take_snapshot(self, lists_refunds: bool = True) -> Snapshot:
        self.time.shift(timedelta(seconds=1))
        refunds = tuple(each.store_refund for each in self.movements if each.store_refund)
        return Snapshot(self.store_status, refunds, timezone.now(), lists_refunds)

    def tell(self, snapshot: Snapshot) -> None:
        self.store.export(snapshot)
        for movement in self.movements:
            if snapshot.lists_refunds and movement.store_refund in snapshot.refunds:
                movement.is_told = True
        self.told_status = max(self.told_status, snapshot.status, key=STATUS_RANK.index)

    @rule()
    def export(self) -> None:
        self.snapshots.append(self.take_snapshot())
        self.tell(self.snapshots[-1])

    @rule()
    def keep_an_export_for_later(self) -> None:
        self.snapshots.append(self.take_snapshot())

    @rule(which=st.integers(0, 20))
    def import_an_earlier_export(self, which: int) -> None:
        self.tell(self.snapshots[which % len(self.snapshots)])

    @rule(which=WHICH)
    def export_a_single_refund(self, which: int) -> None:
        known = [each for each in self.movements if each.store_refund]
        if self.store.dialect == Dialect.WOOCOMMERCE and known:
            movement = known[which % len(known)]
            assert movement.store_refund
            self.store.export_refund(movement.store_refund)
            movement.is_told = True

    @rule(tens=st.integers(0, 500), item=st.integers(0, 1), quantity=st.integers(0, 2))
    def store_refunds_by_itself(self, tens: int, item: int, quantity: int) -> None:
        """The store gives back at most what is left as far as it knows, with or without naming units."""
        amount = tens * 10 + 1
        known = [each.store_refund for each in self.movements if each.store_refund]
        own = [each for each in self.movements if each.made_by == STORE and each.fulfills is None]
        if len(own) >= MAX_OWN_STORE_REFUNDS or sum(refund.amount for refund in known) + amount > self.paid:
            return
        chosen = self.store.items[item]
        named = sum(dict(refund.units).get(chosen.id, 0) for refund in known)
        units = ((chosen.id, quantity),) if quantity and named + quantity <= chosen.quantity else ()
        self.movements.append(Movement(amount, STORE, store_refund=self.record_store_refund(amount, units=units)))

    @rule(which=WHICH)
    def staff_refund_in_the_store_and_tell_nobody(self, which: int) -> None:
        """What waits is refunded in the store's back office; an export, or `mark_done`, tells it."""
        row = self.pick_transaction(which, Status.WAITING)
        if row is None or any(each.fulfills == row.pk for each in self.movements):
            return
        amount = self.units(row.amount)
        if self.has_another_of(amount, row.pk):
            return
        self.movements.append(Movement(amount, STORE, row.pk, self.record_store_refund(amount)))

    def has_another_of(self, amount: int, transaction_id: int) -> bool:
        """Whether a store's refund of this amount may be for another transaction, too."""
        others = {pk: each for pk, each in self.promises.items() if pk != transaction_id}
        return bool(others) and (amount in others.values() or any(each.made_by == GATEWAY for each in self.movements))

    @rule()
    def store_confirms_the_payment(self) -> None:
        if self.store_status == "pending":
            self.store_status = "completed"

    @precondition(lambda self: len(self.movements) > 1)
    @rule(is_chargeback=st.booleans())
    def store_cancels(self, is_chargeback: bool) -> None:
        is_portal = self.store.dialect in (Dialect.PORTAL, Dialect.PORTAL_WITH_VERSIONS)
        status = "charged_back" if is_chargeback and is_portal else "cancelled"
        self.store_status = max(self.store_status, status, key=STATUS_RANK.index)

    # --- The buyer ---------------------------------------------------------------------------------------

    @rule(line=st.integers(0, 1), quantity=st.integers(1, 3))
    def request_return(self, line: int, quantity: int) -> None:
        wanted = [returns.RequestedLine(self.lines[line].pk, quantity)]
        try:
            self.attempt(lambda: self.request_in_time(wanted))
        except ReturnPeriodEnded:
            pytest.fail("The return was refused before its deadline.")

    def request_in_time(self, wanted: list[returns.RequestedLine]) -> None:
        try:
            returns.request_return(self.order, wanted, self.reason)
        except ReturnPeriodEnded:
            assert timezone.now() >= self.store.placed_at + timedelta(days=RETURN_DAYS)
            raise

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        if case := self.pick_return(which):
            self.attempt(lambda: services.cancel(case))

    @rule()
    def withdraw(self) -> None:
        statement = withdrawals.WithdrawalStatement("Bea Buyer", NUMBER, EMAIL)
        self.attempt(lambda: withdrawals.withdraw(statement, "en"))

    @rule(line=st.integers(0, 1))
    def request_swap(self, line: int) -> None:
        request = swaps.SwapRequest(self.lines[line].pk, self.offer)
        self.attempt(lambda: swaps.request_swap(self.order, request))

    @rule()
    def request_cashback(self) -> None:
        serial = License.objects.earliest("pk").serial
        self.attempt(lambda: cashback.request_cashback([self.order], serial, "DE", proof()))

    @rule()
    def correct_the_address(self) -> None:
        self.attempt(lambda: correct_address(self.order, f"bea{next(self.ids)}@example.com"))

    # --- Staff -------------------------------------------------------------------------------------------

    @rule(which=WHICH)
    def ask_and_answer(self, which: int) -> None:
        if case := self.pick_return(which, *Return.UNDECIDED):
            self.attempt(lambda: services.ask_question(case, self.agent, "Which one?"))
            self.attempt(lambda: services.answer_question(case, "This one."))

    @rule(which=WHICH)
    def decline(self, which: int) -> None:
        if case := self.pick_return(which):
            self.attempt(lambda: services.decline(case, self.agent, "No."))

    @rule(which=WHICH, tens=st.none() | st.integers(1, 300))
    def approve_a_return(self, which: int, tens: int | None) -> None:
        if case := self.pick_return(which):
            amount = None if tens is None else self.decimal(tens * 10)
            if not self.is_pending_in_the_store(self.units(case.amount if amount is None else amount)):
                self.attempt(lambda: returns.approve(case, self.agent, amount))

    def is_pending_in_the_store(self, amount: int) -> bool:
        """Whether the store made a refund of this amount for another transaction, and has not told it."""
        return any(each.amount == amount and each.fulfills and not each.is_told for each in self.movements)

    @rule(tens=st.none() | st.integers(1, 600))
    def approve_a_withdrawal(self, tens: int | None) -> None:
        case = Withdrawal.objects.exclude(status=Withdrawal.Status.DECLINED).last()
        amount = None if tens is None else self.decimal(tens * 10)
        if case and not self.is_pending_in_the_store(self.units(amount or load_ledger(self.order).left)):
            self.attempt(lambda: withdrawals.approve(case, self.agent, amount))

    @rule(text=st.booleans())
    def decline_a_withdrawal(self, text: bool) -> None:
        if case := Withdrawal.objects.last():
            self.attempt(lambda: services.decline(case, self.agent, "No."))

    @rule()
    def decide_swap_and_cashback(self) -> None:
        if swap := Swap.objects.last():
            is_blocked = self.is_blocked
            for action in (
                lambda: swaps.approve(swap, self.agent),
                lambda: swaps.give_new_serial(swap, self.agent, f"XSWP-{next(self.ids)}"),
            ):
                assert not (self.attempt(action) and is_blocked)
        if claim := CashbackClaim.objects.last():
            for action in (
                lambda: cashback.approve(claim, self.agent),
                lambda: cashback.record_payout(claim, self.agent, "Bank transfer"),
            ):
                assert not (self.attempt(action) and self.is_blocked)

    @rule(which=WHICH)
    def refund_by_hand(self, which: int) -> None:
        """Staff ask the portal, refund in the store's back office, and mark the refund as done."""
        rows = RefundTransaction.objects.waiting_for_staff() | RefundTransaction.objects.filter(status=Status.REFUSED)
        chosen = list(rows.order_by("pk"))
        if not chosen:
            return
        row = chosen[which % len(chosen)]
        made = next((each for each in self.movements if each.fulfills == row.pk), None)
        amount = self.units(row.amount)
        known = made.store_refund if made else self.record_store_refund(amount)
        assert known
        told_before = self.told
        if not self.attempt(lambda: transactions.mark_done(row, known.id, self.agent)):
            return
        if made:
            made.is_told = True
            return
        assert not self.is_blocked
        assert told_before + amount <= self.paid
        done = RefundTransaction.objects.get(store_reference=known.id)
        self.movements.append(Movement(amount, STAFF, done.pk, known, is_told=True))

    @rule(which=WHICH, by_hand=st.booleans())
    def try_again(self, which: int, by_hand: bool) -> None:
        if row := self.pick_transaction(which, Status.REFUSED):
            self.attempt(lambda: transactions.switch_to_manual(row) if by_hand else transactions.retry(row))

    # --- The gateway and the clock -----------------------------------------------------------------------

    @rule(plan=st.sampled_from(["ok", "ok", "refused", "timeout", "timeout, nothing moved"]), minutes=st.integers(0, 90))
    def send_refunds(self, plan: str, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))
        self.gateway.plan = plan
        sending.send_due()

    @rule(which=WHICH)
    def gateway_answers_twice(self, which: int) -> None:
        row = self.pick_transaction(which, Status.DONE)
        if row and str(row.idempotency_key) in self.gateway.references:
            row.gateway = StoreGateway.Gateway.STRIPE
            sending._store_result(row, self.gateway._done(row), timezone.now())

    @precondition(lambda self: self.elapsed() < timedelta(days=80))
    @rule(days=st.sampled_from([1, 2, 7, 13, 29]))
    def wait(self, days: int) -> None:
        self.time.shift(timedelta(days=days))

    def elapsed(self) -> timedelta:
        now: datetime = timezone.now()
        return now - self.store.placed_at

    # --- Invariants --------------------------------------------------------------------------------------

    @invariant()
    def each_movement_is_counted_once(self) -> None:
        assert self.units(load_ledger(self.order).refunded) == self.told

    @invariant()
    def nothing_is_promised_that_has_moved_or_is_not_left(self) -> None:
        ledger = load_ledger(self.order)
        assert self.units(ledger.promised) <= self.promised
        unclear = RefundTransaction.objects.filter(status=Status.UNCLEAR).aggregate(sum=Sum("amount"))["sum"] or 0
        assert self.told + self.units(ledger.promised) - self.units(unclear) <= max(self.paid, self.told)

    @invariant()
    def nothing_is_left_that_is_not_paid(self) -> None:
        ledger = load_ledger(self.order)
        assert self.units(ledger.left) == max(self.paid - self.told - self.units(ledger.promised), 0)

    @invariant()
    def nothing_waits_for_a_blocked_order(self) -> None:
        if self.told_status in ("cancelled", "charged_back"):
            assert not RefundTransaction.objects.filter(status=Status.WAITING).exists()

    @invariant()
    def no_deadline_is_earlier_than_the_policy(self) -> None:
        earliest = self.store.placed_at + timedelta(days=RETURN_DAYS)
        assert all(line.return_until >= earliest for line in OrderLine.objects.all())

    @invariant()
    def no_more_units_are_returned_than_were_bought(self) -> None:
        done = RefundTransaction.objects.filter(status=Status.DONE).values("return_case")
        for line in OrderLine.objects.all():
            refunded = ReturnLine.objects.filter(line=line, return_case__in=done)
            assert 0 <= line.quantity_returned <= line.quantity
            assert (refunded.aggregate(sum=Sum("quantity"))["sum"] or 0) <= line.quantity

    @invariant()
    def each_done_transaction_has_its_own_refund(self) -> None:
        rows = RefundTransaction.objects.filter(status=Status.DONE).values_list("refund_id", flat=True)
        assert None not in rows
        assert len(set(rows)) == len(rows)

    @invariant()
    def every_status_has_its_event_and_its_email(self) -> None:
        for case in Return.objects.all():
            last = case.events.latest("pk")
            assert last.to_status == case.status
            for event in case.events.exclude(from_status=last.from_status, to_status=last.from_status):
                if event.from_status != event.to_status:
                    kind = email_kind(Return, event.to_status)
                    assert Message.objects.filter(kind=kind, object_id=event.pk).exists(), event
            assert (case.status == Return.Status.REFUNDED) == case.transactions.filter(status=Status.DONE).exists()


def run(sequences: int, steps: int) -> None:
    how = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_machine(MoneyMachine, settings=how)


def test_money_is_right_in_any_order_of_events() -> None:
    run(sequences=100, steps=14)


@pytest.mark.stress
def test_money_is_right_in_2000_sequences_of_events() -> None:
    run(sequences=2000, steps=40)
