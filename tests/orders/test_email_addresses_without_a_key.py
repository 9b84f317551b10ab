"""Look-alike addresses, and addresses that cannot be normalized, never match an order by email."""

import pytest
from django.test import Client

from notifications.models import Message
from orders.access import Outcome, find_by_card, find_by_number, granted_orders, request_link
from orders.models import Order
from orders.passwords import portal_password
from tests.factories import make_order
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db
LOOK_ALIKES = [
    "victim@gmaİl.com",
    "vİctim@gmail.com",
    "victim@gmail．com",
    "ｖictim@gmail.com",
    f"{'v' * 300}@gmail.com",
]


@pytest.mark.parametrize("typed", LOOK_ALIKES)
def test_a_look_alike_address_opens_nothing_and_gets_no_email(typed: str) -> None:
    make_order(store_email="victim@gmail.com")
    request = visit()
    assert find_by_card(request, typed, "4242").outcome == Outcome.REFUSED
    request_link(request, typed[:254])
    assert not granted_orders(again(request)).exists()
    assert not Order.objects.for_email(typed).exists()
    assert not Message.objects.filter(recipient="victim@gmail.com").exists()


def test_a_look_alike_address_gets_the_usual_refusal(client: Client) -> None:
    make_order(store_email="victim@gmail.com")
    for typed in LOOK_ALIKES[:4]:
        answer = client.post("/orders/find/card/", {"email": typed, "card_last4": "4242"})
        assert answer.status_code == 422


@pytest.mark.parametrize("address", ["vİctim@gmail.com", "ann@straße.example"])
def test_an_order_whose_address_has_no_key_opens_only_by_number(address: str) -> None:
    order = make_order(store_email=address)
    assert order.email_key == ""
    assert find_by_card(visit(), address, "4242").outcome == Outcome.REFUSED
    opened = find_by_number(visit(), order.number, portal_password(order) or "")
    assert opened.orders == [order]


def test_orders_without_a_key_are_not_found_by_address() -> None:
    make_order(store_email="")
    make_order(store_email="a@@b")
    assert not Order.objects.for_email("").exists()
    assert find_by_card(visit(), "", "4242").outcome == Outcome.REFUSED


@pytest.mark.parametrize("typed", ["Ann@BÜCHER.de", "ann@Bücher.DE", "ann@xn--bcher-kva.de"])
def test_capital_letters_in_a_domain_do_not_matter(typed: str) -> None:
    order = make_order(store_email="ann@bücher.de")
    assert find_by_card(visit(), typed, "4242").orders == [order]


def test_spellings_of_an_address_share_one_rate_limit() -> None:
    make_order()
    for spelling in (
        "buyer@example.com",
        "BUYER@example.com",
        " Buyer@Example.com",
        "buyer@EXAMPLE.com",
        "bUyer@example.com",
    ):
        find_by_card(visit(), spelling, "0000")
    assert find_by_card(visit("198.51.100.9"), "buyer@example.com", "4242").outcome == Outcome.RATE_LIMITED


def test_saving_an_order_updates_its_email_key() -> None:
    order = make_order(contact_email="Right@Example.com")
    assert order.email_key == "right@example.com"
    order.contact_email = ""
    order.save()
    assert order.email_key == "buyer@example.com"


def test_updating_an_address_without_its_key_is_an_error() -> None:
    make_order()
    with pytest.raises(TypeError, match="email_key"):
        Order.objects.update(contact_email="other@example.com")
