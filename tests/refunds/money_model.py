"""Reference model of an order's money, for the state machine in money_machine.py.

It keeps plain sums of what the store, the gateway and staff actually refunded, and of what the portal knows about.
Amounts are whole numbers of the currency's smallest unit. Cases that only a person could distinguish are excluded:
refunds made by a store always end in 1, those of the portal end in 0.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from unittest.mock import patch

import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from cases.refusals import Refusal
from orders.models import Order
from orders.money import smallest_unit
from orders.services.address_corrections import CorrectionError
from refunds.gateways import loaded_gateways
from refunds.gateways.results import GatewayResult, RefundDone, RefundNotFound, RefundRefused, RefundUnclear
from refunds.models import (
    RefundTransaction,
    StoreGateway,
    SwapOffer,
)
from tests.factories import make_agent, make_license, make_product, make_reason, make_store
from tests.refunds.cashback import make_promotion
from tests.refunds.simulated_store import NUMBER, SLUG, Dialect, Item, SimulatedStore, Snapshot, StoreRefund

STORE, STAFF, GATEWAY = "store", "staff", "gateway"
RETURN_DAYS = 30
MAX_OWN_STORE_REFUNDS = 4  # so that their sum never ends in 0
STATUS_RANK = ["pending", "completed", "cancelled", "charged_back"]
WHICH = st.integers(0, 5)
Status = RefundTransaction.Status


@dataclass
class Movement:
    """A refund that was actually made."""

    amount: int
    made_by: str
    fulfills: int | None = None  # the transaction that it belongs to
    store_refund: StoreRefund | None = None  # according to the store
    is_reported: bool = False  # the portal knows


class FakeGateway:
    """The payment provider. It makes a refund once per key, and responds as planned."""

    def __init__(self, machine: "MoneyModel") -> None:
        self.machine = machine
        self.plan = "ok"
        self.violation: AssertionError | None = None  # `send_due` survives every exception of a gateway
        self.references: dict[str, str] = {}

    def send(self, row: RefundTransaction) -> GatewayResult:
        key = str(row.idempotency_key)
        if self.plan == "refused":
            return RefundRefused("The card is closed.")
        if key not in self.references and self.plan != "timeout: nothing moved":
            self.references[key] = f"re_{len(self.references) + 1}"
            try:
                self.machine.gateway_moved(row)
            except AssertionError as violation:
                self.violation = violation
        if self.plan.startswith("timeout"):
            return RefundUnclear("No answer.")
        return self._done(row)

    def look_up(self, row: RefundTransaction) -> GatewayResult | RefundNotFound:
        if self.plan.startswith("timeout"):
            return RefundUnclear("No answer.")
        return self._done(row) if str(row.idempotency_key) in self.references else RefundNotFound()

    def _done(self, row: RefundTransaction) -> RefundDone:
        self.machine.movement_for(row.pk).is_reported = True
        return RefundDone(self.references[str(row.idempotency_key)])


class MoneyModel(RuleBasedStateMachine):
    """One order with 3 units of one item and 2 of another."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.folder = tempfile.TemporaryDirectory()
        # Ends before today, because time travel doesn't affect the database's clock.
        self.clock = time_machine.travel(timezone.now() - timedelta(days=100), tick=False)
        self.time = self.clock.start()
        self.gateway = FakeGateway(self)
        self.patch = patch.dict(loaded_gateways, {StoreGateway.Gateway.STRIPE: self.gateway})
        self.patch.start()

    @initialize(
        dialect=st.sampled_from(Dialect),
        currency=st.sampled_from(["EUR", "JPY", "KWD"]),
        is_paid=st.sampled_from([True] * 7 + [False]),
        gateway=st.sampled_from([StoreGateway.Gateway.MANUAL, StoreGateway.Gateway.STRIPE]),
        hears=st.booleans(),
    )
    def create_order(self, dialect: Dialect, currency: str, is_paid: bool, gateway: str, hears: bool) -> None:
        self.movements: list[Movement] = []
        self.promises: dict[int, int] = {}  # approved amounts, by transaction
        self.ids = count(901)
        # Some stores are notified by the gateway of the portal's refunds. One that exports only sums is not.
        self.hears_of_gateway = hears and dialect != Dialect.SHOPIFY
        self.store_status = "completed" if is_paid else "pending"
        self.reported_status = "pending"
        self.is_refund_known_by_status = False
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
    def known_refunds(self) -> int:
        """The amount that the portal knows to be refunded."""
        known_refunds = sum(movement.amount for movement in self.movements if movement.is_reported)
        return max(known_refunds, self.paid) if self.is_refund_known_by_status else known_refunds

    @property
    def promised(self) -> int:
        """The amount that was approved and, as far as the portal knows, not refunded."""
        fulfilled = {movement.fulfills for movement in self.movements if movement.is_reported}
        return sum(amount for pk, amount in self.promises.items() if pk not in fulfilled)

    @property
    def is_blocked(self) -> bool:
        return self.reported_status != "completed" or self.is_refund_known_by_status

    def decimal(self, amount: int) -> Decimal:
        return amount * smallest_unit(self.store.currency)

    def units(self, amount: Decimal) -> int:
        return int(amount / smallest_unit(self.store.currency))

    def movement_for(self, transaction_id: int) -> Movement:
        return next(each for each in self.movements if each.fulfills == transaction_id)

    def record_store_refund(
        self, amount: int, reference: str = "", units: tuple[tuple[str, int], ...] = ()
    ) -> StoreRefund:
        return StoreRefund(reference or str(next(self.ids)), amount, timezone.now(), units)

    def assert_may_move(self, amount: int, earlier: list[Movement]) -> None:
        """The portal made a refund: allowed if the amount is left after known refunds and those at the gateway."""
        assert not self.is_blocked, f"paid on although {self.reported_status}"
        known = sum(each.amount for each in earlier if each.is_reported or each.made_by == GATEWAY)
        assert known + amount <= self.paid

    def gateway_moved(self, row: RefundTransaction) -> None:
        amount = self.units(row.amount)
        known = self.record_store_refund(amount) if self.hears_of_gateway else None
        earlier = self.movements.copy()
        self.movements.append(Movement(amount, GATEWAY, row.pk, known))
        self.assert_may_move(amount, earlier)
        assert not Order.objects.get(pk=self.order.pk).is_frozen(timezone.now())
        assert all(each.fulfills != row.pk for each in earlier if each.is_reported)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Return whether the action was accepted."""
        before = set(RefundTransaction.objects.values_list("pk", flat=True))
        with suppress(Refusal, CorrectionError):
            action()
            for row in RefundTransaction.objects.exclude(pk__in=before):
                assert not self.is_blocked
                self.promises[row.pk] = self.units(row.amount)
            return True
        return False

    def pick_transaction(self, which: int, *statuses: str) -> RefundTransaction | None:
        rows = list(RefundTransaction.objects.filter(status__in=statuses or Status.values).order_by("pk"))
        return rows[which % len(rows)] if rows else None

    def take_snapshot(self, lists_refunds: bool = True) -> Snapshot:
        self.time.shift(timedelta(seconds=1))
        refunds = tuple(each.store_refund for each in self.movements if each.store_refund)
        return Snapshot(self.store_status, refunds, timezone.now(), lists_refunds)

    def report(self, snapshot: Snapshot) -> None:
        self.store.export(snapshot)
        for movement in self.movements:
            if snapshot.lists_refunds and movement.store_refund in snapshot.refunds:
                movement.is_reported = True
        self.reported_status = max(self.reported_status, snapshot.status, key=STATUS_RANK.index)

    def export(self) -> None:
        self.snapshots.append(self.take_snapshot())
        self.report(self.snapshots[-1])
