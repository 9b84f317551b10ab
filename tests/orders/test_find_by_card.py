"""Lookups by email address and last 4 digits, with their rate limits."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from orders.access import (
    CLIENT_RATE,
    Outcome,
    find_by_card,
    find_by_number,
    granted_orders,
    site_card_rate,
    under_enumeration,
)
from orders.models import Attempt
from orders.passwords import portal_password
from tests.factories import make_order
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db


def test_all_orders_of_the_card_are_opened_newest_first() -> None:
    now = timezone.now()
    old, new = make_order(placed_at=now - timedelta(days=9)), make_order(placed_at=now)
    make_order(card_last4="1111")
    make_order(store_email="someone@else.example")
    request = visit()
    lookup = find_by_card(request, "buyer@example.com", "4242")
    assert lookup.outcome == Outcome.FOUND
    assert lookup.orders == [new, old]
    assert list(granted_orders(again(request))) == [new, old]


@pytest.mark.parametrize("typed", ["BUYER@Example.COM", "  buyer@example.com ", "buyer@example.com"])
def test_case_and_outer_spaces_of_the_address_do_not_matter(typed: str) -> None:
    make_order(store_email=" Buyer@Example.com")
    assert find_by_card(visit(), typed, "4242").outcome == Outcome.FOUND


@pytest.mark.parametrize("typed", ["buyer+shop@example.com", "bu yer@example.com", "b.uyer@example.com", "", "%"])
def test_any_other_difference_of_the_address_matters(typed: str) -> None:
    make_order()
    assert find_by_card(visit(), typed, "4242").outcome == Outcome.REFUSED


def test_the_digits_of_the_wallet_open_the_order() -> None:
    make_order(card_last4="4242", wallet="apple_pay", device_last4="1881")
    assert find_by_card(visit(), "buyer@example.com", "1881").outcome == Outcome.FOUND
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.FOUND


def test_an_order_without_a_card_is_not_opened_by_an_empty_field() -> None:
    make_order(card_last4="")
    assert find_by_card(visit(), "buyer@example.com", "").outcome == Outcome.REFUSED


def test_only_the_corrected_address_opens_the_order() -> None:
    make_order(store_email="byer@example.com", contact_email="buyer@example.com")
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.FOUND
    assert find_by_card(visit(), "byer@example.com", "4242").outcome == Outcome.REFUSED


def test_after_five_failures_the_right_digits_are_refused() -> None:
    make_order()
    for index in range(5):
        assert find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", f"000{index}").outcome == Outcome.REFUSED
    request = visit("198.51.100.1")
    assert find_by_card(request, "buyer@example.com", "4242").outcome == Outcome.RATE_LIMITED
    assert not granted_orders(request).exists()


def test_after_15_minutes_the_right_digits_are_accepted_again() -> None:
    make_order()
    for index in range(6):
        find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000")
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.FOUND


def test_successes_do_not_count() -> None:
    make_order()
    for _visit in range(40):
        assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.FOUND


def test_an_exhausted_card_limit_does_not_block_the_password() -> None:
    order = make_order()
    for index in range(6):
        find_by_card(visit(), "buyer@example.com", f"000{index}")
    lookup = find_by_number(visit(), order.number, portal_password(order) or "")
    assert lookup.orders == [order]


def test_a_blocked_client_does_not_use_up_the_limit_of_an_address() -> None:
    make_order()
    client = "203.0.113.9"
    for index in range(CLIENT_RATE.short):
        find_by_card(visit(client), f"person{index}@example.com", "0000")
    for _more in range(10):
        assert find_by_card(visit(client), "buyer@example.com", "0000").outcome == Outcome.CLIENT_BLOCKED
    assert find_by_card(visit("198.51.100.1"), "buyer@example.com", "4242").outcome == Outcome.FOUND


def test_enumeration_of_addresses_is_detected_and_stops_the_evaluation_of_cards() -> None:
    make_order()
    for index in range(site_card_rate().short):
        assert not under_enumeration()
        find_by_card(visit(f"10.0.{index // 200}.{index % 200}"), f"person{index}@example.com", "4242")
    assert under_enumeration()
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.RATE_LIMITED


def test_attempts_are_recorded_without_the_digits() -> None:
    make_order()
    find_by_card(visit("192.0.2.7"), "Buyer@example.com", "4242")
    find_by_card(visit("192.0.2.7"), "buyer@example.com", "9876")
    found, refused = Attempt.objects.order_by("id")
    assert (found.method, found.outcome, found.subject, found.client, found.orders_opened) == (
        "card",
        "found",
        "buyer@example.com",
        "192.0.2.7",
        1,
    )
    assert refused.outcome == "refused"
    assert "9876" not in str(vars(refused))


def test_a_card_number_typed_into_the_wrong_field_is_masked() -> None:
    find_by_card(visit(), "4242 4242 4242 4242", "4242")
    assert Attempt.objects.get().subject == "••••4242"


def test_known_and_unknown_addresses_cost_the_same_queries(django_assert_num_queries) -> None:
    make_order()
    for address in ("buyer@example.com", "nobody@example.com"):
        with django_assert_num_queries(7):  # two of them begin and end a transaction
            find_by_card(visit(), address, "0000")
