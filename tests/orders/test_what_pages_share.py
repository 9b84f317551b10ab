"""What every page says alike is rendered once for each language and look, and holds nothing of anybody."""

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils.translation import override
from pytest_django.fixtures import Settings

from tests.factories import make_line, make_order
from tests.pages import inside, text

SHARED = Template("{% load i18n orders %}{% shared %}{% translate 'Order' %}{{ vendor }}{{ secret }}{% endshared %}")


def test_nothing_of_the_page_around_it_gets_in() -> None:
    assert SHARED.render(Context({"vendor": "Acme", "secret": "XAAB-1234"})) == "OrderAcme"


def test_each_language_and_each_vendor_has_its_own() -> None:
    assert SHARED.render(Context({"vendor": "Acme"})) == "OrderAcme"
    assert SHARED.render(Context({"vendor": "Bert"})) == "OrderBert"
    with override("de"):
        assert SHARED.render(Context({"vendor": "Acme"})) == "BestellungAcme"
    assert SHARED.render(Context({"vendor": "Acme"})) == "OrderAcme"


@pytest.mark.django_db
def test_a_page_follows_language_and_look_and_shows_its_own_order_only(settings: Settings) -> None:
    orders = [make_order(number=number, billing_name=name) for number, name in (("A-1", "Ann"), ("B-2", "Bob"))]
    for order in orders:
        make_line(order)
    browsers = [inside(order) for order in orders]
    for language, word in (("en", "Paid with"), ("de", "Bezahlt mit"), ("en", "Paid with")):
        for order, other, browser in zip(orders, reversed(orders), browsers, strict=True):
            said = text(browser.get(f"/orders/{order.public_id}/", headers={"Accept-Language": language}))
            assert word in said
            assert order.billing_name in said
            assert other.billing_name not in said
    settings.VENDOR_NAME = "Another Vendor"
    assert "Another Vendor" in text(browsers[0].get(f"/orders/{orders[0].public_id}/"))


@pytest.mark.django_db
def test_forms_that_nobody_touched_carry_a_token_of_each_visitor() -> None:
    tokens = set()
    for _visitor in range(2):
        browser = Client(enforce_csrf_checks=True)
        page = browser.get("/orders/find/").content.decode()
        assert page.count("csrfmiddlewaretoken") >= 3
        tokens.add(browser.cookies["csrftoken"].value)
    assert len(tokens) == 2
