"""Property test: in any order of events, an order's money is correct."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from refunds.models import RefundTransaction, StoreGateway
from tests.refunds.money_machine import MoneyMachine
from tests.refunds.money_model import STORE, Movement
from tests.refunds.simulated_store import Dialect

pytestmark = pytest.mark.django_db


def run(sequences: int, steps: int, **options: Any) -> None:
    how = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **options,
    )
    run_state_machine_as_test(MoneyMachine, settings=how)


def test_money_is_right_in_any_order_of_events() -> None:
    run(sequences=60, steps=14)


@pytest.mark.stress
def test_money_is_right_in_2000_sequences_of_events() -> None:
    run(sequences=2000, steps=40)


def test_a_promised_refund_that_may_be_part_of_a_sum_waits_for_staff() -> None:
    machine = MoneyMachine()
    try:
        machine.create_order(Dialect.SHOPIFY, "EUR", True, StoreGateway.Gateway.STRIPE, False)
        machine.store_refunds_by_itself(tens=0, item=0, quantity=0, is_reported=False)
        machine.buyer_returns_and_staff_approve(line=0, quantity=1, tens=None)
        row = RefundTransaction.objects.get()
        machine.movements.append(Movement(1000, STORE, row.pk, machine.record_store_refund(1000)))
        machine.export()
        machine.money_and_units_are_right()
    finally:
        machine.teardown()
