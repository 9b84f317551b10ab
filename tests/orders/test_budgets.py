"""A budget allows so many tries in any 15 minutes and in any day, whatever comes at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.budgets import (
    LONG_WINDOW,
    SHORT_WINDOW,
    Limit,
    Purse,
    forget_old,
    give_back,
    has_room,
    reserve,
    reserve_each,
)
from orders.models import Budget

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PURSE = Purse("card", "ann@example.com", Limit(short=5, long=20))


@pytest.mark.django_db
def test_five_tries_in_a_quarter_of_an_hour_and_no_sixth() -> None:
    answers = [reserve([PURSE], NOON + timedelta(seconds=second)) for second in range(7)]
    assert answers == [True] * 5 + [False] * 2


@pytest.mark.django_db
def test_the_window_slides() -> None:
    for minute in (0, 10, 11, 12, 13):
        assert reserve([PURSE], NOON + timedelta(minutes=minute))
    assert not reserve([PURSE], NOON + timedelta(minutes=14))
    assert reserve([PURSE], NOON + timedelta(minutes=15))  # the try of minute 0 is out
    assert not reserve([PURSE], NOON + timedelta(minutes=16))  # those of 10 to 13 are still in


@pytest.mark.django_db
def test_twenty_tries_in_a_day() -> None:
    times = [NOON + timedelta(minutes=16 * index) for index in range(25)]
    assert [reserve([PURSE], at) for at in times] == [True] * 20 + [False] * 5
    assert reserve([PURSE], NOON + LONG_WINDOW)


@pytest.mark.django_db
def test_a_refused_try_costs_nothing_more() -> None:
    for second in range(50):
        reserve([PURSE], NOON + timedelta(seconds=second))
    assert reserve([PURSE], NOON + SHORT_WINDOW)


@pytest.mark.django_db
def test_what_is_given_back_can_be_tried_again() -> None:
    for second in range(100):
        at = NOON + timedelta(seconds=second)
        assert reserve([PURSE], at)
        give_back([PURSE], at)


@pytest.mark.django_db
def test_an_empty_first_purse_leaves_the_second_untouched() -> None:
    client = Purse("client", "192.0.2.1", Limit(short=1, long=1))
    assert reserve_each([client, PURSE], NOON) == [True, True]
    assert reserve_each([client, PURSE], NOON + timedelta(seconds=1)) == [False, False]
    assert len(Budget.objects.get(key=PURSE.key).tries) == 1


@pytest.mark.django_db
def test_looking_whether_there_is_room_takes_nothing() -> None:
    assert all(has_room(PURSE, NOON) for _look in range(10))
    for second in range(5):
        reserve([PURSE], NOON + timedelta(seconds=second))
    assert not has_room(PURSE, NOON + timedelta(minutes=1))
    assert has_room(PURSE, NOON + timedelta(minutes=16))


@pytest.mark.django_db(transaction=True)
def test_fifty_tries_at_once_are_no_more_than_five() -> None:
    now = timezone.now()

    def attempt(index: int) -> bool:
        try:
            return reserve([PURSE], now + timedelta(microseconds=index))
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(50))) == 5


@pytest.mark.django_db
def test_the_table_holds_no_addresses() -> None:
    reserve([PURSE], NOON)
    assert "ann" not in Budget.objects.get().key


@pytest.mark.django_db
def test_budgets_that_nobody_touched_for_a_day_are_forgotten() -> None:
    reserve([PURSE], NOON)
    reserve([Purse("card", "bob@example.com", PURSE.limit)], NOON + timedelta(hours=23))
    assert forget_old(NOON + timedelta(hours=25)) == 1
    assert Budget.objects.count() == 1


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(steps=st.lists(st.integers(min_value=1, max_value=3 * 3600), min_size=1, max_size=40))
def test_no_window_ever_holds_more_than_its_limit(steps: list[int]) -> None:
    Budget.objects.all().delete()
    at, taken = NOON, []
    for step in steps:
        at += timedelta(seconds=step)
        expected = sum(t > at - SHORT_WINDOW for t in taken) < 5 and sum(t > at - LONG_WINDOW for t in taken) < 20
        assert reserve([PURSE], at) is expected
        if expected:
            taken.append(at)
