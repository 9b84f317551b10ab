"""Lookups by order number and password, with their rate limits."""

import pytest

from orders.access import Outcome, find_by_card, find_by_number
from orders.models import Attempt, normalize_order_number
from orders.passwords import hash_imported_password, portal_password
from tests.factories import make_order
from tests.visitors import visit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "typed", ["A-1001", "#A-1001", " a-1001 ", "A-1001.", "# A - 1001", "Ａ-１００１", "a-1001.\n", "A-1001,"]
)
def test_the_order_number_is_found_in_any_notation(typed: str) -> None:
    order = make_order(number="A-1001", password_hash=hash_imported_password("secret"))
    assert find_by_number(visit(), typed, "secret").orders == [order]


@pytest.mark.parametrize("typed", ["", "#", "A1001", "A-100", "A-10011", "%", "\x00", "🛒", "A" * 10_000])
def test_other_numbers_find_nothing(typed: str) -> None:
    make_order(number="A-1001", password_hash=hash_imported_password("secret"))
    assert find_by_number(visit(), typed, "secret").outcome == Outcome.REFUSED


def test_the_password_decides_between_two_stores_with_the_same_number() -> None:
    mine = make_order(number="1001", password_hash=hash_imported_password("mine"))
    make_order(
        number="#1001", number_key=normalize_order_number("#1001"), password_hash=hash_imported_password("yours")
    )
    assert find_by_number(visit(), "1001", "mine").orders == [mine]


def test_the_number_alone_is_never_enough() -> None:
    order = make_order()
    for typed in ("", " ", order.number, str(order.public_id)):
        assert find_by_number(visit(), order.number, typed).outcome == Outcome.REFUSED


def test_after_five_wrong_passwords_only_the_card_opens_the_order() -> None:
    order = make_order()
    for index in range(5):
        find_by_number(visit(f"192.0.2.{index}"), order.number, f"guess {index}")
    assert find_by_number(visit(), order.number, portal_password(order) or "").outcome == Outcome.RATE_LIMITED
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.FOUND


def test_failed_attempts_on_one_order_do_not_block_others() -> None:
    order, other = make_order(), make_order()
    for index in range(6):
        find_by_number(visit(), order.number, f"guess {index}")
    assert find_by_number(visit(), other.number, portal_password(other) or "").orders == [other]


def test_attempts_are_recorded_without_the_password() -> None:
    order = make_order(number="A-1001")
    find_by_number(visit(), "a-1001", "my secret guess")
    row = Attempt.objects.get()
    assert (row.method, row.outcome, row.subject) == ("number", "refused", order.number)
    assert "guess" not in str(vars(row))


def test_known_and_unknown_orders_cost_the_same_queries(django_assert_num_queries) -> None:
    order = make_order()
    for number in (order.number, "A-nothing"):
        with django_assert_num_queries(6):  # two of them begin and end a transaction
            find_by_number(visit(), number, "wrong")
