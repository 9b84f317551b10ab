"""A used-up limit is reported with the time of the next attempt, for known and unknown orders and addresses alike."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from orders import formats
from orders.access import CLIENT_RATE, SUBJECT_RATE
from orders.passwords import portal_password
from orders.rate_limits import RateLimit, consume
from tests.factories import make_order
from tests.pages import Browser, result, text

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
SPACE = "\N{NARROW NO-BREAK SPACE}"
Try = Callable[[str, str, str], Any]  # by client, subject and secret


def by_number(client: str, number: str, password: str) -> Any:
    form = {"order_number": number, "password": password}
    return Client(REMOTE_ADDR=client).post("/orders/find/number/", form)


def by_card(client: str, email: str, digits: str) -> Any:
    return Client(REMOTE_ADDR=client).post("/orders/find/card/", {"email": email, "card_last4": digits})


def correction(client: str, number: str, password: str) -> Any:
    form = {"order_number": number, "password": password, "card_last4": "4242", "new_email": "new@example.com"}
    return Browser(REMOTE_ADDR=client).post("/orders/correct-email/", form)


WAYS: list[tuple[Try, list[str]]] = [
    (by_number, ["A-7001", "Z-9999"]),
    (by_card, ["buyer@example.com", "nobody@example.com"]),
    (correction, ["A-7001", "Z-9999"]),
]


def use_up(way: Try, subject: str) -> None:
    """Wrong attempts by strangers, one per minute."""
    for minute in range(SUBJECT_RATE.short):
        with time_machine.travel(NOON + timedelta(minutes=minute), tick=False):
            assert way(f"192.0.2.{minute}", subject, "0000").status_code == 422


@pytest.mark.parametrize(("way", "subjects"), WAYS)
def test_known_and_unknown_say_the_same_true_time(way: Try, subjects: list[str]) -> None:
    order = make_order(number="A-7001")
    secret = "4242" if way is by_card else portal_password(order) or ""
    pages, statements = set(), set()
    for subject in subjects:
        use_up(way, subject)
        with time_machine.travel(NOON + timedelta(minutes=5), tick=False), CaptureQueriesContext(connection) as queries:
            answer = way("203.0.113.9", subject, secret)
        statements.add(len(queries))
        assert (answer.status_code, result(answer), answer["Retry-After"]) == (429, "too-many", "600")
        page = text(answer).replace(SPACE, " ")
        assert "Try again in 10 minutes (12:16 PM UTC), or get a link by email" in page
        pages.add(page)
    assert len(pages) == len(statements) == 1


@pytest.mark.parametrize(("way", "subjects"), WAYS[:2])
def test_at_that_time_the_owner_is_in(way: Try, subjects: list[str]) -> None:
    order = make_order(number="A-7001")
    secret = "4242" if way is by_card else portal_password(order) or ""
    use_up(way, subjects[0])
    with time_machine.travel(NOON + timedelta(minutes=15, seconds=-1), tick=False):
        assert way("203.0.113.9", subjects[0], secret).status_code == 429
    with time_machine.travel(NOON + timedelta(minutes=15), tick=False):
        assert way("203.0.113.9", subjects[0], secret).status_code == 302


def test_the_daily_limit_is_shown_with_its_date() -> None:
    for quarter in range(SUBJECT_RATE.long):
        with time_machine.travel(NOON + timedelta(minutes=15 * quarter), tick=False):
            assert by_number(f"192.0.2.{quarter}", "A-7001", "0000").status_code == 422
    with time_machine.travel(NOON + timedelta(hours=6), tick=False):
        answer = by_number("203.0.113.9", "A-7001", "0000")
    assert "Try again in about 18 hours (November 29, 2026, 12:01 PM UTC)" in text(answer).replace(SPACE, " ")
    assert int(answer["Retry-After"]) == 18 * 3600


@pytest.mark.parametrize(("way", "subjects"), WAYS)
def test_a_blocked_client_sees_its_own_time(way: Try, subjects: list[str]) -> None:
    scope = {by_number: "client-number", by_card: "client-card", correction: "client-correction"}[way]
    for index in range(CLIENT_RATE.short):
        consume([RateLimit(scope, "192.0.2.1", CLIENT_RATE)], NOON + timedelta(milliseconds=index))
    with time_machine.travel(NOON + timedelta(minutes=13), tick=False):
        answer = way("192.0.2.1", subjects[0], "0000")
    assert (answer.status_code, result(answer)) == (429, "too-many")
    assert "Try again in 2 minutes (12:16 PM UTC)" in text(answer).replace(SPACE, " ")


def test_links_by_email_stay_open_and_have_their_own_limit() -> None:
    for index in range(SUBJECT_RATE.short):
        by_card(f"192.0.2.{index}", "buyer@example.com", "0000")
    sent = Client().post("/orders/find/link/", {"email": "buyer@example.com"})
    assert sent["Location"] == "/orders/find/link/sent/"
    for _link in range(SUBJECT_RATE.short):
        answer = Client().post("/orders/find/link/", {"email": "buyer@example.com"})
    assert (answer.status_code, result(answer)) == (429, "too-many")
    assert "You can ask for another link in 15 minutes" in text(answer)


def test_waits_are_shown_in_the_readers_language() -> None:
    with translation.override("de"):
        assert formats.wait(NOON, NOON + timedelta(minutes=1)).startswith("1 ")
        assert "12:02" in formats.wait(NOON, NOON + timedelta(minutes=1))
