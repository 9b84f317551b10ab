"""Property test: in any order of events, the owner of an order can recover its address."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.orders.takeover_machine import TakeoverMachine

pytestmark = pytest.mark.django_db


def run(sequences: int, steps: int) -> None:
    how = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(TakeoverMachine, settings=how)


def test_the_owner_gets_the_order_back_in_any_order_of_events() -> None:
    run(sequences=40, steps=14)


@pytest.mark.stress
def test_the_owner_gets_the_order_back_in_500_sequences_of_events() -> None:
    run(sequences=500, steps=30)
