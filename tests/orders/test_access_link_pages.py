import pytest
from django.test import Client

from notifications.models import Message
from orders.access import request_link
from orders.models import AccessLink, Order
from tests.factories import make_order
from tests.pages import inside, text
from tests.visitors import visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order(card_last4="", payment_method="paypal")


def link(next_path: str = "") -> str:
    request_link(visit(), "buyer@example.com", next_path)
    return f"/access/{AccessLink.objects.latest('pk').make_token()}/"


def test_get_shows_a_button_and_post_opens_the_order(client: Client, order: Order) -> None:
    path = link()
    for _scanner in range(3):
        page = Client().get(path)
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
        assert page["Referrer-Policy"] == "same-origin"
        assert order.number not in page.content.decode()
    assert client.post(path)["Location"] == f"/orders/{order.public_id}/"
    assert client.get(f"/orders/{order.public_id}/").status_code == 200


def test_several_orders_open_as_a_list(client: Client, order: Order) -> None:
    make_order()
    assert client.post(link())["Location"] == "/orders/"


def test_opening_a_link_redirects_to_the_requested_page(client: Client, order: Order) -> None:
    next_path = f"/orders/{order.public_id}/invoice/"
    make_order()
    client.post("/orders/find/link/", {"email": "buyer@example.com", "next": next_path})
    token = AccessLink.objects.latest("pk").make_token()
    assert client.post(f"/access/{token}/")["Location"] == next_path


def test_a_used_link_can_be_renewed_to_the_same_address(order: Order) -> None:
    path = link()
    Client().post(path)
    page = Client().get(path)
    assert page.status_code == 410
    assert "This link has expired" in text(page)
    assert Client().post(path).status_code == 410
    assert Client().post(f"{path}renew/")["Location"] == "/orders/find/link/sent/"
    assert Message.objects.filter(kind="access_link", recipient="buyer@example.com").count() == 2


@pytest.mark.parametrize("token", ["x", "1.abc", "%00", "%F0%9F%94%91", "9" * 300])
def test_an_invalid_link_offers_the_find_page(client: Client, token: str) -> None:
    for answer in (
        client.get(f"/access/{token}/"),
        client.post(f"/access/{token}/"),
        client.post(f"/access/{token}/renew/"),
    ):
        assert answer.status_code == 404
        assert "Find my order" in text(answer)


def test_a_link_opens_the_orders_of_its_own_address_only(order: Order) -> None:
    mine = make_order(store_email="me@example.com")
    browser = Client()
    browser.post(link())
    assert browser.get(f"/orders/{mine.public_id}/").status_code == 302


def test_get_does_not_renew_a_link(client: Client, order: Order) -> None:
    path = link()
    assert client.get(f"{path}renew/")["Location"] == path
    assert AccessLink.objects.count() == 1


def test_opening_a_link_keeps_earlier_grants(order: Order) -> None:
    other = make_order(store_email="other@example.com")
    browser = inside(other)
    browser.post(link())
    assert browser.get(f"/orders/{other.public_id}/").status_code == 200
    assert browser.get(f"/orders/{order.public_id}/").status_code == 200
