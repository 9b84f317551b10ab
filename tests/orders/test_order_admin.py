import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from orders.access import find_by_card
from orders.models import Attempt, Order, Store
from tests.factories import make_license, make_line, make_order
from tests.visitors import visit

pytestmark = pytest.mark.django_db

ORDERS = "/admin/orders/order/"


@pytest.fixture
def agent(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("agent", "agent@vendor.example", "a long password"))
    return client


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", card_last4="4242", device_last4="1881", billing_name="Bea Buyer")
    make_license(make_line(order), "XAAB-1234-5678-9012-3456")
    make_order(number="B-7777", store_email="other@example.com", card_last4="9999", billing_name="Otto Other")
    return order


@pytest.mark.parametrize(
    "term",
    ["A-1001", "#a-1001 ", "A-10", "Buyer@Example.com", "4242", "1881", "XAAB-1234-5678-9012-3456", "xaab1234", "Bea"],
)
def test_an_order_is_found_by_number_address_serial_card_and_name(agent: Client, order: Order, term: str) -> None:
    page = agent.get(ORDERS, {"q": term}).content.decode()
    assert "A-1001" in page
    assert "B-7777" not in page


@pytest.mark.parametrize("term", ["\x00", "🛒", "'", "%", "x" * 5000, "4242 4242 4242 4242"])
def test_an_odd_search_term_finds_nothing(agent: Client, order: Order, term: str) -> None:
    assert agent.get(ORDERS, {"q": term}).status_code == 200


def test_an_order_cannot_be_edited_added_or_deleted(agent: Client, order: Order) -> None:
    page = f"{ORDERS}{order.pk}/change/"
    assert agent.post(page, {"number": "changed", "status": "refunded"}).status_code == 403
    assert agent.get(f"{ORDERS}add/").status_code == 403
    assert agent.post(f"{ORDERS}{order.pk}/delete/", {"post": "yes"}).status_code == 403
    order.refresh_from_db()
    assert (order.number, order.status) == ("A-1001", "completed")


def test_attempts_are_found_by_address_and_by_client(agent: Client) -> None:
    find_by_card(visit("203.0.113.5"), "walker@example.com", "0000")
    for term in ("walker", "203.0.113.5"):
        page = agent.get("/admin/orders/attempt/", {"q": term}).content.decode()
        assert "walker@example.com" in page
    attempt = Attempt.objects.get()
    assert agent.post(f"/admin/orders/attempt/{attempt.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_store_can_be_edited_except_its_slug(agent: Client, order: Order) -> None:
    store = order.store
    form = {
        "slug": "changed",
        "name": "Acme Europe",
        "time_zone": "Europe/Berlin",
        "language": "de",
        "seller": "Acme Reselling Ltd",
        "support_email": "help@example.com",
        "confirm_card_lookup": "always",
    }
    assert agent.post(f"/admin/orders/store/{store.pk}/change/", form).status_code == 302
    changed = Store.objects.get(pk=store.pk)
    assert (changed.slug, changed.name, changed.time_zone) == (store.slug, "Acme Europe", "Europe/Berlin")


def test_a_time_zone_that_does_not_exist_is_refused_with_a_hint(agent: Client, order: Order) -> None:
    form = {"name": "A", "time_zone": "Berlin", "language": "de", "confirm_card_lookup": "never"}
    answer = agent.post(f"/admin/orders/store/{order.store_id}/change/", form)
    assert answer.status_code == 200
    assert "Europe/Berlin" in answer.content.decode()


def test_the_number_of_queries_of_the_list_does_not_depend_on_its_rows(
    agent: Client,
    order: Order,
    django_assert_max_num_queries,
) -> None:
    for _number in range(50):
        make_order(store=order.store)
    with django_assert_max_num_queries(12):
        agent.get(ORDERS)


@pytest.mark.parametrize("page", ["order", "store", "attempt"])
def test_anonymous_users_are_redirected_to_the_login(client: Client, order: Order, page: str) -> None:
    answer = client.get(f"/admin/orders/{page}/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))
