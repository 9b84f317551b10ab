"""Rate limits allow a number of attempts in any 15 minutes and in any day, also under concurrency."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import RateLimitCounter
from orders.rate_limits import (
    LONG_WINDOW,
    SHORT_WINDOW,
    Attempts,
    Rate,
    RateLimit,
    consume,
    consume_and_count,
    consume_each,
    count_attempts,
    delete_stale_counters,
    next_attempt_at,
    restore,
)

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
CARD_LIMIT = RateLimit("card", "ann@example.com", Rate(short=5, long=20))


@pytest.mark.django_db
def test_the_sixth_attempt_within_15_minutes_is_refused() -> None:
    answers = [consume([CARD_LIMIT], NOON + timedelta(seconds=second)) for second in range(7)]
    assert answers == [True] * 5 + [False] * 2


@pytest.mark.django_db
def test_the_window_slides() -> None:
    for minute in (0, 10, 11, 12, 13):
        assert consume([CARD_LIMIT], NOON + timedelta(minutes=minute))
    assert not consume([CARD_LIMIT], NOON + timedelta(minutes=14))
    assert consume([CARD_LIMIT], NOON + timedelta(minutes=15))  # the try of minute 0 is out
    assert not consume([CARD_LIMIT], NOON + timedelta(minutes=16))  # those of 10 to 13 are still in


@pytest.mark.django_db
def test_the_21st_attempt_within_a_day_is_refused() -> None:
    times = [NOON + timedelta(minutes=16 * index) for index in range(25)]
    assert [consume([CARD_LIMIT], at) for at in times] == [True] * 20 + [False] * 5
    assert consume([CARD_LIMIT], NOON + LONG_WINDOW)


@pytest.mark.django_db
def test_a_refused_attempt_is_not_counted() -> None:
    for second in range(50):
        consume([CARD_LIMIT], NOON + timedelta(seconds=second))
    assert consume([CARD_LIMIT], NOON + SHORT_WINDOW)


@pytest.mark.django_db
def test_a_restored_attempt_does_not_count() -> None:
    for second in range(100):
        at = NOON + timedelta(seconds=second)
        assert consume([CARD_LIMIT], at)
        restore([CARD_LIMIT], at)


@pytest.mark.django_db
def test_an_exhausted_first_limit_leaves_the_second_untouched() -> None:
    client = RateLimit("client", "192.0.2.1", Rate(short=1, long=1))
    assert consume_each([client, CARD_LIMIT], NOON) == [True, True]
    assert consume_each([client, CARD_LIMIT], NOON + timedelta(seconds=1)) == [False, False]
    assert len(RateLimitCounter.objects.get(key=CARD_LIMIT.key).tries) == 1


@pytest.mark.django_db
def test_asking_for_the_next_attempt_counts_none() -> None:
    assert all(next_attempt_at([CARD_LIMIT], NOON) == NOON for _look in range(10))
    for second in range(5):
        consume([CARD_LIMIT], NOON + timedelta(seconds=second))
    at = NOON + timedelta(minutes=1)
    assert next_attempt_at([CARD_LIMIT], at) == NOON + SHORT_WINDOW
    assert next_attempt_at([CARD_LIMIT], NOON + timedelta(minutes=16)) == NOON + timedelta(minutes=16)


@pytest.mark.django_db
def test_the_next_attempt_waits_for_every_limit_and_both_windows() -> None:
    client = RateLimit("client", "192.0.2.1", Rate(short=1, long=2))
    for hour in (0, 1):
        assert consume([client, CARD_LIMIT], NOON + timedelta(hours=hour))
    assert next_attempt_at([client, CARD_LIMIT], NOON + timedelta(hours=2)) == NOON + LONG_WINDOW
    assert next_attempt_at([CARD_LIMIT], NOON + timedelta(hours=2)) == NOON + timedelta(hours=2)


@pytest.mark.django_db
def test_attempts_are_counted_in_both_windows() -> None:
    assert consume_and_count(CARD_LIMIT, NOON) == Attempts(short=1, long=1)
    assert consume_and_count(CARD_LIMIT, NOON + timedelta(minutes=20)) == Attempts(short=1, long=2)
    assert count_attempts([CARD_LIMIT], NOON + timedelta(minutes=21)) == Attempts(short=1, long=2)
    assert count_attempts([RateLimit("card", "nobody", CARD_LIMIT.rate)], NOON) == Attempts(short=0, long=0)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_simultaneous_attempts_five_are_allowed() -> None:
    now = timezone.now()

    def attempt(index: int) -> bool:
        try:
            return consume([CARD_LIMIT], now + timedelta(microseconds=index))
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(50))) == 5


@pytest.mark.django_db
def test_counters_contain_no_addresses() -> None:
    consume([CARD_LIMIT], NOON)
    assert "ann" not in RateLimitCounter.objects.get().key


@pytest.mark.django_db
def test_counters_without_an_attempt_for_a_day_are_deleted() -> None:
    consume([CARD_LIMIT], NOON)
    consume([RateLimit("card", "bob@example.com", CARD_LIMIT.rate)], NOON + timedelta(hours=23))
    assert delete_stale_counters(NOON + timedelta(hours=25)) == 1
    assert RateLimitCounter.objects.count() == 1


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(steps=st.lists(st.integers(min_value=1, max_value=3 * 3600), min_size=1, max_size=40))
def test_no_window_exceeds_its_limit(steps: list[int]) -> None:
    RateLimitCounter.objects.all().delete()
    at, taken = NOON, []
    for step in steps:
        at += timedelta(seconds=step)
        expected = sum(t > at - SHORT_WINDOW for t in taken) < 5 and sum(t > at - LONG_WINDOW for t in taken) < 20
        retry_at = next_attempt_at([CARD_LIMIT], at)
        assert (retry_at == at) is expected
        assert sum(t > retry_at - SHORT_WINDOW for t in taken) < 5
        assert sum(t > retry_at - LONG_WINDOW for t in taken) < 20
        assert consume([CARD_LIMIT], at) is expected
        if expected:
            taken.append(at)
