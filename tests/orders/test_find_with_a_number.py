"""Order number and password, as people type them."""

import pytest

from orders.access import Outcome, find_by_card, find_by_number
from orders.models import Attempt, normalize_order_number
from orders.passwords import portal_password, store_imported
from tests.factories import make_order
from tests.visitors import visit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "typed", ["A-1001", "#A-1001", " a-1001 ", "A-1001.", "# A - 1001", "Ａ-１００１", "a-1001.\n", "A-1001,"]
)
def test_the_number_is_found_however_it_is_typed(typed: str) -> None:
    order = make_order(number="A-1001", password_hash=store_imported("secret"))
    assert find_by_number(visit(), typed, "secret").orders == [order]


@pytest.mark.parametrize("typed", ["", "#", "A1001", "A-100", "A-10011", "%", "\x00", "🛒", "A" * 10_000])
def test_other_numbers_find_nothing(typed: str) -> None:
    make_order(number="A-1001", password_hash=store_imported("secret"))
    assert find_by_number(visit(), typed, "secret").outcome == Outcome.REFUSED


def test_a_number_that_two_stores_share_is_told_apart_by_its_password() -> None:
    mine = make_order(number="1001", password_hash=store_imported("mine"))
    make_order(number="#1001", number_key=normalize_order_number("#1001"), password_hash=store_imported("yours"))
    assert find_by_number(visit(), "1001", "mine").orders == [mine]


def test_the_number_alone_is_never_enough() -> None:
    order = make_order()
    for typed in ("", " ", order.number, str(order.public_id)):
        assert find_by_number(visit(), order.number, typed).outcome == Outcome.REFUSED


def test_past_five_wrong_passwords_the_right_one_is_refused_and_the_card_still_opens() -> None:
    order = make_order()
    for index in range(5):
        find_by_number(visit(f"192.0.2.{index}"), order.number, f"guess {index}")
    assert find_by_number(visit(), order.number, portal_password(order) or "").outcome == Outcome.RATE_LIMITED
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.FOUND


def test_tries_against_one_order_leave_the_others_alone() -> None:
    order, other = make_order(), make_order()
    for index in range(6):
        find_by_number(visit(), order.number, f"guess {index}")
    assert find_by_number(visit(), other.number, portal_password(other) or "").orders == [other]


def test_every_try_is_a_row_without_the_password_tried() -> None:
    order = make_order(number="A-1001")
    find_by_number(visit(), "a-1001", "my secret guess")
    row = Attempt.objects.get()
    assert (row.way, row.outcome, row.subject) == ("number", "refused", order.number)
    assert "guess" not in str(vars(row))


def test_known_and_unknown_orders_cost_the_same_queries(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    order = make_order()
    for number in (order.number, "A-nothing"):
        with django_assert_num_queries(6):  # two of them begin and end a transaction
            find_by_number(visit(), number, "wrong")
