"""A question whose SQL is made once answers as the queryset does, for any values and in any thread."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection

from orders.asked_often import AskedOften
from orders.models import Order, OrderLine, load_items, order_with_store, orders_paid_with
from tests.factories import make_line, make_order

pytestmark = pytest.mark.django_db


def test_it_finds_what_the_queryset_finds() -> None:
    orders = [make_order(sources={"portal": {"digest": str(number)}}) for number in range(3)]
    by_number = AskedOften(lambda number: Order.objects.filter(number=number, is_test=False), "sample")
    for order in orders:
        [found] = by_number(order.number)
        expected = Order.objects.get(number=order.number)
        fields = [field.attname for field in Order._meta.concrete_fields]
        assert [getattr(found, name) for name in fields] == [getattr(expected, name) for name in fields]
        assert not found.get_deferred_fields()
    assert by_number("nothing") == []
    assert by_number("' OR 1=1 --") == []


def test_values_stand_where_their_samples_stood() -> None:
    line = make_line(make_order(), quantity=2)
    question = AskedOften(
        lambda name, order_id: OrderLine.objects.filter(order_id=order_id, quantity=2, name=name), "sample", 0
    )
    assert question(line.name, line.order_id) == [line]
    assert question("another", line.order_id) == []


def test_what_is_found_can_be_changed_and_saved() -> None:
    found = order_with_store(make_order().public_id)
    assert found is not None
    found.total = Decimal("1.00")
    found.save()
    assert Order.objects.get().total == Decimal("1.00")


def test_an_order_comes_with_its_store_by_two_queries(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    order = make_order()
    with django_assert_num_queries(2):
        found = order_with_store(order.public_id)
        assert found is not None
        assert found.store.name == order.store.name


def test_items_of_many_orders_come_by_one_query_in_the_stores_order(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    orders = [make_order() for _number in range(4)]
    for order in orders[:3]:
        make_line(order, position=2, store_line_id="b")
        make_line(order, position=1, store_line_id="a")
    with django_assert_num_queries(1):
        load_items(orders)
        assert [[line.store_line_id for line in order.items] for order in orders] == [["a", "b"]] * 3 + [[]]


@pytest.mark.parametrize(
    ("email", "digits"),
    [("", "4242"), (" ", "4242"), ("buyer@example.com", ""), ("buyer@example.com", "42"), ("buyer@example.com", "%")],
)
def test_a_missing_address_or_card_is_nobodys(email: str, digits: str) -> None:
    make_order(store_email="", card_last4="4242")
    make_order(card_last4="")
    assert orders_paid_with(email, digits) == []


@pytest.mark.parametrize("email", ["buyer@example.com", " Buyer@Example.COM "])
def test_a_card_finds_as_the_queryset_does(email: str) -> None:
    make_order(card_last4="", device_last4="4242")
    make_order()
    make_order(card_last4="1111")
    expected = list(Order.objects.for_card(email, "4242").newest_first())
    assert len(expected) == 2
    assert orders_paid_with(email, "4242") == expected


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_by_its_own_connection() -> None:
    order = make_order()
    question = AskedOften(lambda public_id: Order.objects.filter(public_id=public_id), make_order().public_id)

    def ask(_turn: int) -> list[Order]:
        try:
            return question(order.public_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(20))) == [[order]] * 20
