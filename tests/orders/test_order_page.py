from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from notifications.models import Message
from orders import panels
from orders.models import Order, Refund
from orders.services.confirmations import resend_confirmation
from orders.statuses import describe_status
from tests.factories import make_license, make_line, make_order, make_store
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    store = make_store(name="Acme EU", time_zone="Europe/Berlin")
    return make_order(store=store, number="A-1001", wallet="apple_pay", device_last4="1881")


def page_of(order: Order) -> str:
    return f"/orders/{order.public_id}/"


def test_the_page_shows_items_amounts_and_payment(order: Order) -> None:
    make_line(order, discount=Decimal("5.00"))
    answer = inside(order).get(page_of(order))
    assert marks(answer, "data-order-number") == ["A-1001"]
    page_text = text(answer)
    for fact in (
        "Completed",
        "1 November 2026, 10:00 CET",
        "Maximum Security",
        "€67.19",
        "€12.76",
        "€79.95",
        "Discount: €5.00",
        "Apple Pay, Visa •••• 4242",
        "shown in the wallet as •••• 1881",
        "Bea Buyer",
        "Germany",
        "Acme EU",
    ):
        assert fact in page_text
    assert "no-store" in answer["Cache-Control"]


def test_amounts_and_dates_are_localized(order: Order) -> None:
    make_line(order)
    page_text = text(inside(order).get(page_of(order), headers={"Accept-Language": "de"}))
    assert "79,95 €" in page_text
    assert "1. November 2026, 10:00" in page_text
    assert "10:00 MEZ" in page_text


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "¥80"), ("KWD", "KWD 79.950"), ("USD", "$79.95")])
def test_each_currency_has_its_own_decimals(currency: str, shown: str) -> None:
    order = make_order(currency=currency)
    assert shown in text(inside(order).get(page_of(order))).replace("\xa0", " ")


@pytest.mark.parametrize("status", Order.Status.values)
def test_every_status_has_a_description(status: str) -> None:
    order = make_order(status=status)
    page_text = text(inside(order).get(page_of(order)))
    assert "_" not in page_text
    assert str(describe_status(status).name) in page_text
    assert (str(describe_status(status).meaning) in page_text) == (status != Order.Status.COMPLETED)
    assert len(page_text) > 200


def test_refunds_are_shown(order: Order) -> None:
    at = datetime(2026, 11, 5, 23, 30, tzinfo=UTC)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=Decimal("9.99"), refunded_at=at)
    page_text = text(inside(order).get(page_of(order)))
    assert "6 November 2026 €9.99" in page_text  # the day at the store


def test_a_refund_without_a_date_is_shown_before_the_day_we_learned_of_it(order: Order) -> None:
    at = datetime(2026, 11, 5, 23, 30, tzinfo=UTC)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=Decimal("9.99"), recorded_at=at)
    assert "before 6 November 2026 €9.99" in text(inside(order).get(page_of(order)))


def test_emails_about_the_order_are_shown_with_their_status(order: Order) -> None:
    resend_confirmation(order)
    Message.objects.update(status=Message.Status.BOUNCED)
    answer = inside(order).get(page_of(order))
    page_text = text(answer)
    assert "Order confirmation bounced" in page_text
    assert "b…@e….com" in page_text
    assert "This email couldn’t be delivered." in page_text
    assert "buyer@example.com" not in answer.content.decode()


def test_texts_from_the_store_are_escaped() -> None:
    odd = "<script>alert(1)</script>"
    order = make_order(billing_name=odd, number="A&<B>", number_key="A&<B>", store=make_store(name=odd))
    make_line(order, name=odd, sku=odd)
    make_license(order.lines.get(), serial='"><img src=x>')
    page = inside(order).get(page_of(order)).content.decode()
    assert odd not in page
    assert "<img src=x>" not in page


def test_without_access_an_order_looks_like_a_missing_one(order: Order) -> None:
    stranger = inside(make_order(store_email="stranger@example.com"))
    none = "11111111-1111-4111-8111-111111111111"
    for browser in (Client(), stranger):
        answers = [browser.get(f"/orders/{which}/") for which in (order.public_id, none)]
        assert [answer.status_code for answer in answers] == [302, 302]
        for answer, which in zip(answers, (order.public_id, none), strict=True):
            assert answer["Location"] == f"/orders/find/?next=%2Forders%2F{which}%2F"


@pytest.mark.parametrize("rest", ["", "invoice/", "invoice.pdf", "confirmation/", "code/", "code/again/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_all_pages_of_an_order_require_access(order: Order, rest: str, method: str) -> None:
    stranger = inside(make_order(store_email="stranger@example.com"))
    answer = getattr(stranger, method)(f"{page_of(order)}{rest}")
    assert answer.status_code in (302, 405)
    assert order.number not in answer.content.decode()
    assert not Message.objects.exists()


@pytest.mark.parametrize("items", [1, 50])
def test_the_number_of_queries_is_the_same_for_many_items(
    order: Order, items: int, django_assert_max_num_queries
) -> None:
    for _item in range(items):
        make_license(make_line(order))
    resend_confirmation(order)
    browser = inside(order)
    with django_assert_max_num_queries(6 + len(panels.registered())):
        assert browser.get(page_of(order)).status_code == 200


def test_the_list_shows_all_orders_newest_first_with_few_queries(django_assert_max_num_queries) -> None:
    orders = [make_order(placed_at=datetime(2026, 1, day, tzinfo=UTC)) for day in range(1, 11)]
    for order in orders:
        make_line(order)
    browser = Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    with django_assert_max_num_queries(3):
        answer = browser.get("/orders/")
    assert marks(answer, "data-order-number") == [order.number for order in reversed(orders)]


def test_without_orders_the_list_redirects_to_the_find_page(client: Client) -> None:
    assert client.get("/orders/")["Location"] == "/orders/find/"


def test_signing_out_closes_the_orders_and_confirms_it(order: Order) -> None:
    browser = inside(order)
    assert browser.get("/orders/sign-out/").status_code == 302  # following a link by accident ends nothing
    assert browser.get(page_of(order)).status_code == 200
    answer = browser.post("/orders/sign-out/", follow=True)
    assert "You’re signed out" in text(answer)
    assert browser.get(page_of(order)).status_code == 302


def test_serial_numbers_are_hidden_until_the_emailed_code_is_entered() -> None:
    order = make_order(store=make_store(confirm_card_lookup="always"))
    make_license(make_line(order), serial="XAAB-1234")
    browser = Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    answer = browser.get(page_of(order))
    assert answer.status_code == 200
    assert "Maximum Security" in text(answer)
    assert "Code from the email" in text(answer)
    assert "XAAB" not in answer.content.decode()
    assert "/invoice/" not in answer.content.decode()
    refused = browser.post(f"{page_of(order)}code/", {"code": "12"})
    assert refused.status_code == 422
    assert marks(refused, "data-result") == ["invalid"]
