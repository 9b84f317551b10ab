"""The form of a return and its check page."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from orders.models import Order, OrderLine
from refunds.models import Return, ReturnPolicy, ReturnReason
from tests.factories import make_license, make_line, make_order, make_reason
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now(), total=Decimal("159.90"))


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason(translations={"de": "Falsches Produkt gekauft"})


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def return_form(line: OrderLine, reason: ReturnReason, **fields: Any) -> dict[str, Any]:
    return {f"line-{line.pk}-quantity": "1", "reason": reason.pk, "comment": ""} | fields


def test_from_the_form_to_the_reference(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    make_line(order, name="Extended Download Service")
    browser = inside(order)
    asked = browser.get(page_url(order))
    assert asked.status_code == 200
    assert marks(asked, "data-days-left") == ["30"]
    assert "Visa ending in 4242" in text(asked)
    checked = browser.post(page_url(order), return_form(line, reason, comment="Sorry"))
    assert checked.status_code == 200
    assert marks(checked, "data-step") == ["change", "confirm"]
    assert marks(checked, "data-amount") == ["79.95"]
    assert not Return.objects.exists()
    sent = browser.post(page_url(order), return_form(line, reason, comment="Sorry", confirm="1"))
    case = Return.objects.get()
    assert sent.status_code == 302
    assert sent["Location"] == f"/returns/{case.reference}/"
    status = browser.get(sent["Location"])
    assert marks(status, "data-status") == ["received"]
    assert marks(status, "data-reference") == [case.reference]
    assert marks(status, "data-amount") == ["79.95"]
    assert Message.objects.filter(kind="return_received").count() == 1
    assert Client().get(sent["Location"])["Location"] == f"/orders/find/?next=%2Freturns%2F{case.reference}%2F"


@pytest.mark.parametrize("offers_swap", [True, False])
def test_a_swap_is_offered_if_the_reason_offers_swaps(order: Order, line: OrderLine, offers_swap: bool) -> None:
    checked = inside(order).post(page_url(order), return_form(line, make_reason(offers_swap=offers_swap)))
    assert marks(checked, "data-step") == ["change", "confirm"]  # the same steps in both cases
    assert (f'href="/orders/{order.public_id}/swap/"' in checked.content.decode()) is offers_swap


def test_going_back_from_the_check_page_keeps_the_input(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    browser = inside(order)
    check = browser.post(page_url(order), return_form(line, reason, comment="Sorry"))
    response = browser.get(re.findall(r'data-step="change" href="([^"]+)"', check.content.decode())[0])
    assert response.status_code == 200
    assert "Sorry" in text(response)
    assert f'<option value="{reason.pk}" selected>' in response.content.decode()
    assert not Return.objects.exists()


def test_the_only_returnable_unit_is_preselected(order: Order, line: OrderLine) -> None:
    assert re.search(r'type="checkbox"[^>]* checked', inside(order).get(page_url(order)).content.decode())
    make_line(order)
    page = inside(order).get(page_url(order)).content.decode()
    assert page.count('type="checkbox"') == 2
    assert not re.search(r'type="checkbox"[^>]* checked', page)


def test_the_check_page_announces_revoked_serial_numbers(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    ReturnPolicy.objects.create(store=order.store, in_force_from=order.placed_at, revokes_serials=True)
    browser = inside(order)
    warning = "stops working"
    assert warning not in text(browser.post(page_url(order), return_form(line, reason)))
    make_license(line)
    assert warning in text(browser.post(page_url(order), return_form(line, reason)))


def test_text_by_stores_and_buyers_is_escaped(order: Order, reason: ReturnReason) -> None:
    odd = "<script>alert(1)</script>"
    line = make_line(order, name=odd)
    make_license(line, serial=f"{odd}1")
    browser = inside(order)
    pages = [
        browser.get(page_url(order)),
        browser.post(page_url(order), return_form(line, reason, comment=odd)),
        browser.post(page_url(order), return_form(line, reason, comment=odd, confirm="1"), follow=True),
        browser.get(f"/orders/{order.public_id}/"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()


def test_the_form_is_shown_in_the_language_of_the_page(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    make_line(order, name="Extended Download Service")
    page = inside(order).get(page_url(order), headers={"Accept-Language": "de"})
    assert "Falsches Produkt gekauft" in text(page)
    assert "79,95" in text(page)


def test_without_an_address_no_email_is_announced(reason: ReturnReason) -> None:
    order = make_order(placed_at=timezone.now(), store_email="")
    line, browser = make_line(order), inside(order)
    assert "You’ll get an email" not in text(browser.post(page_url(order), return_form(line, reason)))
    status = browser.post(page_url(order), return_form(line, reason, confirm="1"), follow=True)
    assert "this order has no email address" in text(status)


def test_the_page_works_without_payment_data(reason: ReturnReason) -> None:
    order = make_order(placed_at=timezone.now(), payment_method="", card_brand="", card_last4="")
    line, browser = make_line(order), inside(order)
    assert "We’ll refund you the way you paid. We don’t need" in text(browser.get(page_url(order)))
    assert "Refund to the card or account you paid with" in text(
        browser.post(page_url(order), return_form(line, reason))
    )
