"""Ten thousand guesses open nothing, reveal nothing, and lock out no owner."""

import itertools
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from notifications.models import Message
from orders.access import SUBJECT_RATE, site_card_rate
from orders.models import AccessLink, Attempt, Order, RateLimitCounter
from orders.passwords import portal_password
from tests.factories import make_line, make_order
from tests.stress.conftest import Finding

pytestmark = [pytest.mark.stress, pytest.mark.django_db(transaction=True)]

GUESSES = 10_000
BUYER = "buyer@example.com"
GUESSERS = max(2, os.cpu_count() or 2)  # processes
TIMED_PAIRS = 1000  # chance alone then moves the area by 0.013 or so
WARM_UP = 50
# Parts that Django generates for every request.
PASSING_HEADERS = {"set-cookie", "date"}


class Guess(NamedTuple):
    """One form sent from one network address."""

    client: str
    path: str
    fields: dict[str, str]


@pytest.fixture
def order() -> Order:
    order = make_order()
    make_line(order)
    return order


def address(number: int, count: int) -> str:
    """Return one of this many network addresses."""
    index = number % count
    return f"10.{index // 250 // 250}.{index // 250 % 250}.{index % 250 + 1}"


def send(guess: Guess, browser: Client | None = None) -> HttpResponse:
    return (browser or Client(REMOTE_ADDR=guess.client)).post(guess.path, guess.fields, REMOTE_ADDR=guess.client)


def _guess_all(guesses: Sequence[Guess]) -> Counter[int]:
    """Run in a separate process. Returns how often each status occurred. Any response that isn't a refusal counts as an
    order.
    """
    return Counter(send(guess).status_code for guess in guesses)


def attack(guesses: Sequence[Guess]) -> Counter[int]:
    """Send all guesses from several processes simultaneously."""
    connections.close_all()  # a connection must not be shared with the children
    with ProcessPoolExecutor(GUESSERS, multiprocessing.get_context("fork")) as pool:
        return sum(pool.map(_guess_all, (guesses[start::GUESSERS] for start in range(GUESSERS))), Counter())


def orders_shown(statuses: Counter[int]) -> int:
    return sum(count for status, count in statuses.items() if status not in (422, 429))


def owner_is_in_by_link(order: Order) -> bool:
    """Open the orders from another address, like the owner who reads their email."""
    browser = Client(REMOTE_ADDR="203.0.113.200")
    browser.post("/orders/find/link/", {"email": BUYER})
    assert Message.objects.filter(kind="access_link", recipient=BUYER).exists()
    token = AccessLink.objects.filter(email_key=BUYER).latest("pk").make_token()
    browser.post(f"/access/{token}/")
    return order.number in browser.get(f"/orders/{order.public_id}/").content.decode()


def owner_is_in_by_password(order: Order) -> bool:
    fields = {"order_number": order.number, "password": portal_password(order) or ""}
    return send(Guess("203.0.113.201", "/orders/find/number/", fields)).status_code == 302


def owner_is_in_by_card() -> bool:
    fields = {"email": BUYER, "card_last4": "4242"}
    return send(Guess("203.0.113.202", "/orders/find/card/", fields)).status_code == 302


def judged(method: str) -> int:
    return Attempt.objects.filter(method=method, outcome__in=["refused", "found"]).count()


@pytest.mark.parametrize("clients", [1, 200])
def test_every_last_4_against_one_address(order: Order, clients: int, found: Finding) -> None:
    # Without the owner's own digits until the limit is reached, because a lucky guess is not an error of the portal.
    values = [f"{value:04}" for value in range(GUESSES) if value != 4242]
    random.shuffle(values)
    values[GUESSES // 2 :: 1000] = ["4242"] * len(values[GUESSES // 2 :: 1000])
    statuses = attack(
        [
            Guess(address(number, clients), "/orders/find/card/", {"email": BUYER, "card_last4": value})
            for number, value in enumerate(values)
        ]
    )
    found("guesses", statuses.total())
    found("guesses judged", judged("card"))
    found("orders shown", orders_shown(statuses))
    assert judged("card") <= SUBJECT_RATE.short
    assert orders_shown(statuses) == 0
    assert owner_is_in_by_password(order)
    assert owner_is_in_by_link(order)


def test_one_last_4_over_many_addresses(order: Order, found: Finding) -> None:
    statuses = attack(
        [
            Guess(
                address(number, 2000),
                "/orders/find/card/",
                {"email": f"person{number}@example.com", "card_last4": "4242"},
            )
            for number in range(GUESSES)
        ]
    )
    found("guesses", statuses.total())
    found("guesses judged", judged("card"))
    found("orders shown", orders_shown(statuses))
    assert judged("card") <= site_card_rate().short + GUESSERS  # those in flight when it was noticed
    assert orders_shown(statuses) == 0
    assert owner_is_in_by_password(order)
    assert owner_is_in_by_link(order)


def test_many_passwords_against_one_order(order: Order, found: Finding) -> None:
    statuses = attack(
        [
            Guess(
                address(number, 200),
                "/orders/find/number/",
                {"order_number": order.number, "password": f"guess-{number}"},
            )
            for number in range(GUESSES)
        ]
    )
    found("guesses", statuses.total())
    found("guesses judged", judged("number"))
    found("orders shown", orders_shown(statuses))
    assert judged("number") <= SUBJECT_RATE.short
    assert orders_shown(statuses) == 0
    assert owner_is_in_by_link(order)
    assert owner_is_in_by_card()


@dataclass(frozen=True)
class Side:
    """Known or unknown data, and the forms that it is entered into."""

    path: str
    fields: Callable[[str], dict[str, str]]
    known: str
    unknown: str  # as long as the known one, because the page repeats the input


def side(way: str, order: Order) -> Side:
    if way == "number":
        known = order.number
        return Side(
            "/orders/find/number/",
            lambda name: {"order_number": name, "password": "wrong"},
            known,
            "Z" + "9" * (len(known) - 1),
        )
    unknown = "x" * len(BUYER.split("@")[0]) + "@example.com"
    if way == "card":
        return Side("/orders/find/card/", lambda name: {"email": name, "card_last4": "0000"}, BUYER, unknown)
    return Side("/orders/find/link/", lambda name: {"email": name}, BUYER, unknown)


def look(response: HttpResponse) -> tuple[object, ...]:
    """Return the parts of a response that a guesser sees, except its duration."""
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() not in PASSING_HEADERS}
    return response.status_code, len(response.content), tuple(sorted(headers.items()))


@pytest.mark.parametrize("way", ["card", "number", "link"])
def test_known_and_unknown_look_and_last_the_same(order: Order, way: str, found: Finding) -> None:
    asked = side(way, order)
    times: dict[str, list[float]] = {asked.known: [], asked.unknown: []}
    looks: set[tuple[object, ...]] = set()
    clients = itertools.count()
    for index in range(WARM_UP + TIMED_PAIRS):
        RateLimitCounter.objects.all().delete()  # each attempt is evaluated
        for name in random.sample([asked.known, asked.unknown], 2):
            browser = Client()
            client = address(next(clients), 50_000)
            started = time.perf_counter()
            response = send(Guess(client, asked.path, asked.fields(name)), browser)
            lasted = time.perf_counter() - started
            if index >= WARM_UP:
                times[name].append(lasted)
                looks.add(look(response))
    area = area_under_curve(times[asked.known], times[asked.unknown])
    found("area under the curve of the times", f"{area:.3f}")
    found("ways in which the answers differ", len(looks) - 1)
    assert len(looks) == 1
    assert 0.45 <= area <= 0.55


def area_under_curve(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how well the durations distinguish the two: 0.5 means not at all (Mann–Whitney's U, by ranks)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum = sum(rank for rank, (_value, group) in enumerate(ranked, 1) if group == 0)
    return (rank_sum - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
