"""Ten thousand guesses open nothing, tell nothing, and keep no owner out."""

import random
import time
from collections.abc import Iterator

import pytest
from django.test import Client

from notifications.models import Message
from orders.access import SUBJECT_LIMIT
from orders.links import make_token
from orders.models import AccessLink, Attempt, Budget, Order
from orders.passwords import portal_password
from tests.factories import make_order
from tests.stress.conftest import Finding

pytestmark = [pytest.mark.stress, pytest.mark.django_db]

GUESSES = 10_000
BUYER = "buyer@example.com"
TIMED_PAIRS = 1_500
# Django's own, of each request, and of no use to a guesser.
PASSING_HEADERS = {"Set-Cookie", "Date"}


@pytest.fixture
def order() -> Order:
    return make_order()


def clients(count: int) -> Iterator[str]:
    """Network addresses, round and round."""
    while True:
        for index in range(count):
            yield f"10.{index // 250}.0.{index % 250 + 1}"


def post(path: str, client_address: str, **fields: str):  # type: ignore[no-untyped-def]
    return Client(REMOTE_ADDR=client_address).post(path, fields)


def shown(response) -> bool:  # type: ignore[no-untyped-def]
    return response.status_code not in (422, 429)


def owner_is_in_by_link(order: Order) -> bool:
    """From a fourth place, as the owner who reads their mail."""
    browser = Client(REMOTE_ADDR="203.0.113.200")
    browser.post("/orders/find/link/", {"email": BUYER})
    assert Message.objects.filter(kind="access_link", recipient=BUYER).exists()
    token = make_token(AccessLink.objects.filter(email=BUYER).latest("pk"))
    browser.post(f"/access/{token}/")
    return order.number in browser.get(f"/orders/{order.public_id}/").content.decode()


def owner_is_in_by_password(order: Order) -> bool:
    browser = Client(REMOTE_ADDR="203.0.113.201")
    answer = browser.post(
        "/orders/find/number/", {"order_number": order.number, "password": portal_password(order) or ""}
    )
    return answer.status_code == 302


@pytest.mark.parametrize("count", [1, 200])
def test_every_last_4_against_one_address(order: Order, count: int, found: Finding) -> None:
    # The owner's digits come last: that the first five guesses hit by luck is no fault of the door's.
    values = [f"{value:04}" for value in range(GUESSES) if value != 4242]
    random.shuffle(values)
    values.append("4242")
    opened = sum(
        shown(post("/orders/find/card/", client, email=BUYER, card_last4=value))
        for value, client in zip(values, clients(count), strict=False)
    )
    judged = Attempt.objects.filter(way="card", outcome__in=["refused", "found"]).count()
    found("guesses judged", judged)
    found("orders shown", opened)
    assert judged <= SUBJECT_LIMIT.short
    assert opened == 0
    assert owner_is_in_by_password(order)
    assert owner_is_in_by_link(order)


def test_one_last_4_over_many_addresses(order: Order, found: Finding) -> None:
    opened = sum(
        shown(post("/orders/find/card/", client, email=f"person{index}@example.com", card_last4="4242"))
        for index, client in zip(range(GUESSES), clients(2000), strict=False)
    )
    found("orders shown", opened)
    assert opened == 0
    assert owner_is_in_by_password(order)
    assert owner_is_in_by_link(order)


def test_many_passwords_against_one_order(order: Order, found: Finding) -> None:
    opened = sum(
        shown(post("/orders/find/number/", client, order_number=order.number, password=f"guess-{index}"))
        for index, client in zip(range(GUESSES), clients(200), strict=False)
    )
    found("orders shown", opened)
    assert opened == 0
    assert owner_is_in_by_link(order)
    assert post("/orders/find/card/", "203.0.113.202", email=BUYER, card_last4="4242").status_code == 302


@pytest.mark.parametrize("way", ["card", "number", "link"])
def test_known_and_unknown_look_and_last_the_same(order: Order, way: str, found: Finding) -> None:
    # The names have one length, for the page repeats what was typed.
    known, unknown = ({"card": BUYER, "link": BUYER, "number": order.number}[way], "")
    unknown = "x" * len(known.split("@")[0]) + known[len(known.split("@")[0]) :] if way != "number" else "Z-9999"
    fields = {
        "card": lambda name: {"email": name, "card_last4": "0000"},
        "number": lambda name: {"order_number": name, "password": "wrong"},
        "link": lambda name: {"email": name},
    }[way]
    times: dict[str, list[float]] = {known: [], unknown: []}
    looks: set[tuple[object, ...]] = set()
    for index in range(TIMED_PAIRS + 50):
        Budget.objects.all().delete()  # each try is judged
        for name in random.sample([known, unknown], 2):
            browser = Client(REMOTE_ADDR=f"10.1.{index // 250}.{index % 250}")
            started = time.perf_counter()
            response = browser.post(f"/orders/find/{way}/", fields(name))
            lasted = time.perf_counter() - started
            if index >= 50:  # warm
                times[name].append(lasted)
                headers = tuple(sorted(set(response.headers.items()) - {(h, response.get(h)) for h in PASSING_HEADERS}))
                looks.add((response.status_code, len(response.content), headers))
    area = area_under_curve(times[known], times[unknown])
    found("area under the curve of the times", f"{area:.3f}")
    assert len(looks) == 1
    assert 0.45 <= area <= 0.55


def area_under_curve(one: list[float], other: list[float]) -> float:
    """How well the times tell the two apart: 0.5 is not at all (Mann–Whitney's U, by ranks)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum = sum(rank for rank, (_value, group) in enumerate(ranked, 1) if group == 0)
    return (rank_sum - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
