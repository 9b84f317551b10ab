"""While cards are tried against many addresses, each lookup by card needs a proof of work, and nothing else does."""

import base64
import json
import logging
from datetime import timedelta

import altcha
import pytest
import time_machine
from django import forms
from django.test import Client
from django.utils import timezone
from django_altcha import get_altcha_challenge
from pytest_django.fixtures import Settings

from orders.access import Outcome, find_by_card, site_card_rate, site_failures
from orders.models import Order
from orders.passwords import portal_password
from orders.proof_of_work import EASIEST, HARDEST, ProofOfWorkField
from tests.factories import make_agent, make_order
from tests.pages import marks, result, text
from tests.visitors import visit

pytestmark = pytest.mark.django_db

RIGHT_CARD = {"email": "buyer@example.com", "card_last4": "4242"}


@pytest.fixture(autouse=True)
def _a_small_shop(settings: Settings) -> None:
    settings.SITE_FAILED_CARDS_PER_DAY = 20


@pytest.fixture
def order() -> Order:
    return make_order()


def fail(times: int, first: int = 0) -> None:
    """Try this many addresses with one card, each from a different network."""
    for index in range(first, first + times):
        find_by_card(visit(f"10.0.0.{index}"), f"person{index}@example.com", "4242", work_done=True)


def solve(hashes: int = 1000) -> str:
    challenge = get_altcha_challenge(max_number=hashes)
    solution = altcha.solve_challenge(challenge.challenge, challenge.salt, "SHA-256", hashes)
    assert solution is not None
    payload = {
        "algorithm": challenge.algorithm,
        "challenge": challenge.challenge,
        "number": solution.number,
        "salt": challenge.salt,
        "signature": challenge.signature,
    }
    return base64.b64encode(json.dumps(payload).encode()).decode()


def test_the_limits_of_the_site_follow_the_setting(settings: Settings) -> None:
    for daily, short in ((300, 60), (20, 4), (1, 1)):
        settings.SITE_FAILED_CARDS_PER_DAY = daily
        assert (site_card_rate().short, site_card_rate().long) == (short, daily)


def test_beyond_the_limit_no_card_is_evaluated_without_proof_of_work(order: Order) -> None:
    fail(site_card_rate().short)
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.RATE_LIMITED
    assert find_by_card(visit(), "buyer@example.com", "4242", work_done=True).outcome == Outcome.FOUND


def test_a_slow_enumeration_reaches_the_daily_limit(order: Order) -> None:
    start = timezone.now() - timedelta(hours=20)
    for index in range(20):
        assert not site_failures().need_proof_of_work
        with time_machine.travel(start + timedelta(minutes=30 * index)):
            fail(1, index)
    assert site_failures().need_proof_of_work


def test_it_ends_when_the_failures_are_a_day_old() -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        fail(20)
        assert site_failures().need_proof_of_work
    assert not site_failures().need_proof_of_work


def test_owners_do_not_count(order: Order) -> None:
    for _lookup in range(30):
        find_by_card(visit(), "buyer@example.com", "4242")
    assert site_failures().failed.long == 0


def test_it_gets_harder_as_the_enumeration_goes_on_but_not_for_ever() -> None:
    levels = []
    for index in range(site_card_rate().short * 3):
        fail(1, index)
        levels.append(site_failures().severity)
    assert levels == sorted(levels)
    assert levels[site_card_rate().short - 1] == 0
    assert 0 < levels[site_card_rate().short] < 1
    assert levels[-1] == 1
    easy, hard = ProofOfWorkField(0.0), ProofOfWorkField(1.0)
    assert easy.widget.options["maxnumber"] == EASIEST
    assert hard.widget.options["maxnumber"] == HARDEST


def test_the_counter_of_the_site_stops_growing() -> None:
    fail(50)
    failures = site_failures()
    assert failures.failed.long == 40
    assert failures.is_counter_full


def test_a_solution_opens_the_order_without_a_code(order: Order) -> None:
    fail(site_card_rate().short)
    browser = Client()
    asked = browser.post("/orders/find/card/", RIGHT_CARD)
    assert (asked.status_code, result(asked)) == (422, "invalid")
    challenge = json.loads(marks(asked, "data-challenge")[0])
    assert EASIEST <= challenge["max_number"] <= HARDEST
    opened = browser.post("/orders/find/card/", RIGHT_CARD | {"altcha": solve()})
    assert opened["Location"] == f"/orders/{order.public_id}/"
    assert browser.get(f"/orders/{order.public_id}/invoice/").status_code == 200  # not restricted


def test_number_and_password_need_no_proof_of_work_and_the_page_says_so(order: Order) -> None:
    fail(site_card_rate().short)
    page = Client().post("/orders/find/card/", RIGHT_CARD)
    assert "You can skip this check by using your order number and password." in text(page)
    opened = Client().post(
        "/orders/find/number/", {"order_number": order.number, "password": portal_password(order) or ""}
    )
    assert opened["Location"] == f"/orders/{order.public_id}/"


def test_proof_of_work_does_not_raise_the_limit_of_an_address(order: Order) -> None:
    for index in range(6):
        find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000", work_done=True)
    assert find_by_card(visit(), "buyer@example.com", "4242", work_done=True).outcome == Outcome.RATE_LIMITED


def test_one_warning_is_logged_when_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="orders.access"):
        fail(site_card_rate().short - 1)
        assert not caplog.records
        fail(15, 100)
    (record,) = caplog.records
    assert "4 lookups by card failed within 24 hours (limit 20)" in record.getMessage()


def test_staff_see_the_failures_above_the_list_of_attempts(client: Client) -> None:
    agent = make_agent()
    agent.is_superuser = True
    agent.save()
    client.force_login(agent)
    fail(3)
    page = client.get("/admin/orders/attempt/")
    assert "in the last 24 hours: 3. The limit is 20. In the last 15 minutes: 3 of 4." in text(page)
    assert marks(page, "data-proof-of-work") == ["off"]
    fail(50, 3)
    page = client.get("/admin/orders/attempt/")
    assert "40 or more" in text(page)
    assert marks(page, "data-proof-of-work") == ["on"]


def test_a_solution_is_accepted_once_in_any_encoding() -> None:
    solution = solve()
    field = ProofOfWorkField()
    field.clean(solution)
    rewritten = base64.b64encode(json.dumps(json.loads(base64.b64decode(solution)), indent=2).encode()).decode()
    for again_sent in (solution, rewritten):
        with pytest.raises(forms.ValidationError):
            field.clean(again_sent)


@pytest.mark.parametrize("payload", ["", "x", "e30=", "W10=", "bnVsbA==", "\x00", "A" * 10_000])
def test_an_invalid_solution_is_refused_with_a_message(payload: str) -> None:
    with pytest.raises(forms.ValidationError, match="again"):
        ProofOfWorkField().clean(payload)


def test_an_expired_solution_is_refused() -> None:
    solution = solve()
    with time_machine.travel(timezone.now() + timedelta(hours=1)), pytest.raises(forms.ValidationError):
        ProofOfWorkField().clean(solution)
