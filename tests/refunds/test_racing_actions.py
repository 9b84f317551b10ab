"""Pairs of simultaneous actions on the money of one order, each on a separate connection."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from cases import services
from cases.refusals import Refusal
from orders.models import Order, Refund
from refunds.gateways import loaded_gateways
from refunds.gateways.results import GatewayResult, RefundDone, RefundNotFound
from refunds.ledger import load_ledger
from refunds.models import RefundTransaction, Return, StoreGateway, Withdrawal
from refunds.services import returns, transactions, withdrawals
from refunds.services.sending import send_due
from tests.factories import make_agent, make_reason, make_store
from tests.intake.exports import Importer, portal_order
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db(transaction=True)

DEADLINE = 60  # seconds
ROUNDS = 3
PAID = Decimal("60.00")
Action = Callable[[], object]


class CountingGateway:
    """A payment provider that makes every refund, once per key."""

    def __init__(self) -> None:
        self.sent: dict[str, Decimal] = {}

    def send(self, row: RefundTransaction) -> GatewayResult:
        self.sent[str(row.idempotency_key)] = row.amount
        return RefundDone(f"re_{row.pk}")

    def look_up(self, row: RefundTransaction) -> GatewayResult | RefundNotFound:
        return RefundDone(f"re_{row.pk}") if str(row.idempotency_key) in self.sent else RefundNotFound()


@dataclass
class Race:
    """An order of 3 units for 20.00 each, and the actions of the pairs."""

    folder: Path
    gateway: CountingGateway
    agent: User

    def export(self, *refunds: dict[str, Any], folder: str = "first", **changes: Any) -> Order:
        (self.folder / folder).mkdir(exist_ok=True)
        line = {"id": "1", "name": "Suite", "sku": "S", "quantity": 3, "unit_price": "20.00", "total": "60.00"}
        order = portal_order(
            store="acme",
            number="812",
            email="buyer@example.com",
            placed_at=(timezone.now() - timedelta(days=1)).replace(microsecond=0, second=0).isoformat(),
            lines=[line],
            totals={"total": "60.00"},
            refunds=list(refunds),
        )
        result = Importer(self.folder / folder).orders(order | changes)
        assert result.exit_status == 0, result.said
        return self.order

    @property
    def order(self) -> Order:
        return Order.objects.get(number="812")

    def request(self, units: int = 1) -> Return:
        line = self.order.lines.get()
        return returns.request_return(self.order, [returns.RequestedLine(line.pk, units)], make_reason())

    def approved(self, units: int = 1) -> RefundTransaction:
        case = self.request(units)
        returns.approve(case, self.agent)
        return case.transactions.get()

    def withdrawal(self) -> Withdrawal:
        return withdraw(withdrawals.WithdrawalStatement("Ann", "812", "buyer@example.com"), "en")

    def use_gateway(self) -> None:
        StoreGateway.objects.create(store=self.order.store, gateway=StoreGateway.Gateway.STRIPE)

    def assert_money(self) -> None:
        """Known and promised refunds are at most the paid amount, and sent refunds are known."""
        ledger = load_ledger(self.order)
        assert ledger.refunded + ledger.promised <= PAID
        assert sum(self.gateway.sent.values()) <= ledger.refunded
        done = RefundTransaction.objects.filter(status=RefundTransaction.Status.DONE)
        assert len(set(done.values_list("refund_id", flat=True))) == done.count()
        assert self.order.lines.get().quantity_returned <= 3


@pytest.fixture
def race(tmp_path: Path) -> Iterator[Race]:
    make_store(slug="acme")
    gateway = CountingGateway()
    with patch.dict(loaded_gateways, {StoreGateway.Gateway.STRIPE: gateway}):
        race = Race(tmp_path, gateway, make_agent())
        race.export()
        yield race


def run_both(*actions: Action) -> list[object]:
    """Run the actions simultaneously. Returns their results or refusals; other errors, such as
    deadlocks, are raised.
    """
    begin = threading.Barrier(len(actions))
    results: list[object] = [None] * len(actions)
    errors: list[BaseException] = []

    def run(place: int) -> None:
        try:
            connection.ensure_connection()
            begin.wait(DEADLINE)
            results[place] = actions[place]()
        except Refusal as refusal:
            results[place] = refusal
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]
    return results


def refund(id: str, amount: str, units: int = 0) -> dict[str, Any]:
    lines = [{"id": "1", "quantity": units}] if units else []
    return {"id": id, "amount": amount, "at": timezone.now().isoformat(), "lines": lines}


def refused(results: list[object]) -> int:
    return sum(isinstance(result, Refusal) for result in results)


# --- The pairs: each prepares the order, returns its two actions, and a check of the results ---------------

Check = Callable[[list[object]], None]
Pair = tuple[Action, Action, Check]


def approve_and_import(race: Race) -> Pair:
    """The store refunds 50.00 while staff approve a return of 20.00: of the 60.00, only one fits."""
    case = race.request()

    def check(results: list[object]) -> None:
        assert load_ledger(race.order).refunded == Decimal("50.00")
        assert not RefundTransaction.objects.open().exists()

    return lambda: returns.approve(case, race.agent), lambda: race.export(refund("R1", "50.00")), check


def two_approvals(race: Race) -> Pair:
    """Returns of 40.00 and 20.00, but 15.00 of the 60.00 were already refunded: only one of them can be paid."""
    first, second = race.request(2), race.request(1)
    race.export(refund("R1", "15.00"))

    def check(results: list[object]) -> None:
        assert refused(results) == 1
        assert RefundTransaction.objects.open().count() == 1

    return lambda: returns.approve(first, race.agent), lambda: returns.approve(second, race.agent), check


def sender_and_chargeback(race: Race) -> Pair:
    """The refund is sent before the chargeback is known, or never."""
    race.use_gateway()
    row = race.approved()

    def check(results: list[object]) -> None:
        row.refresh_from_db()
        assert race.order.status == Order.Status.CHARGED_BACK
        is_sent = str(row.idempotency_key) in race.gateway.sent
        done, refused = RefundTransaction.Status.DONE, RefundTransaction.Status.REFUSED
        assert row.status == (done if is_sent else refused)
        assert Refund.objects.count() == is_sent

    return send_due, lambda: race.export(status="charged_back"), check


def cancel_and_approve(race: Race) -> Pair:
    case = race.request()

    def check(results: list[object]) -> None:
        assert refused(results) == 1
        case.refresh_from_db()
        is_approved = case.status == Return.Status.APPROVED
        assert RefundTransaction.objects.open().count() == is_approved

    return lambda: services.cancel(case), lambda: returns.approve(case, race.agent), check


def mark_done_and_import_of_the_same_refund(race: Race) -> Pair:
    row = race.approved()

    def check(results: list[object]) -> None:
        row.refresh_from_db()
        assert row.status == RefundTransaction.Status.DONE
        assert load_ledger(race.order).refunded == Decimal("20.00")
        assert race.order.lines.get().quantity_returned == 1

    export = lambda: race.export(refund("R1", "20.00", units=1))  # noqa: E731
    return lambda: transactions.mark_done(row, "R1", race.agent), export, check


def sender_and_import_of_the_same_refund(race: Race) -> Pair:
    """The store is notified of the gateway's refund immediately: it is counted once, regardless of who reports it
    first.
    """
    race.use_gateway()
    row = race.approved()
    race.gateway.sent[str(row.idempotency_key)] = row.amount  # as if a worker had been killed after it was made
    RefundTransaction.objects.filter(pk=row.pk).update(status=RefundTransaction.Status.UNCLEAR, tries=1)

    def check(results: list[object]) -> None:
        assert load_ledger(race.order).refunded == Decimal("20.00")
        assert len(race.gateway.sent) == 1

    return send_due, lambda: race.export(refund("R1", "20.00")), check


def withdrawal_accepted_and_return_approved(race: Race) -> Pair:
    case = race.request(2)
    withdrawal = race.withdrawal()

    def check(results: list[object]) -> None:
        ledger = load_ledger(race.order)
        assert ledger.promised == PAID
        case.refresh_from_db()
        assert case.status in (Return.Status.APPROVED, Return.Status.CANCELLED)

    return lambda: returns.approve(case, race.agent), lambda: withdrawals.approve(withdrawal, race.agent), check


def two_imports(race: Race) -> Pair:
    race.approved()

    def check(results: list[object]) -> None:
        assert load_ledger(race.order).refunded == Decimal("20.00")

    reported = refund("R1", "20.00", units=1)
    return lambda: race.export(reported), lambda: race.export(reported, folder="second"), check


PAIRS = [
    approve_and_import,
    two_approvals,
    sender_and_chargeback,
    cancel_and_approve,
    mark_done_and_import_of_the_same_refund,
    sender_and_import_of_the_same_refund,
    withdrawal_accepted_and_return_approved,
    two_imports,
]


@pytest.mark.parametrize("round", range(ROUNDS))
@pytest.mark.parametrize("prepare", PAIRS, ids=lambda prepare: prepare.__name__)
def test_racing_actions_leave_the_money_right(race: Race, prepare: Callable[[Race], Pair], round: int) -> None:
    first, second, check = prepare(race)
    results = run_both(*([first, second] if round % 2 else [second, first]))
    check(results)
    race.assert_money()
