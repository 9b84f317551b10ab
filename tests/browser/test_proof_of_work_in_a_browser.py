from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from orders.access import site_card_rate, under_enumeration
from orders.models import AccessLink, Attempt, Order
from orders.rate_limits import RateLimit, consume

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SERIAL = "XAAB-1234-5678-9012-3456"
CARD_FORM = "form[action='/orders/find/card/']"
CHALLENGE_TIMEOUT = 60_000  # milliseconds; generous for the hardest challenge on a busy machine


@pytest.fixture(autouse=True)
def _site_under_enumeration(transactional_db: None) -> None:
    now, rate = timezone.now(), site_card_rate()
    for tried in range(rate.short):
        consume([RateLimit("site", "card", rate)], now - timedelta(milliseconds=tried))
    assert under_enumeration()


def submit_card_form(page: Page) -> None:
    form = page.locator(CARD_FORM)
    form.locator("[name=email]").fill("buyer@example.com")
    form.locator("[name=card_last4]").fill("4242")
    form.locator("[type=submit]").click()


def test_a_solved_challenge_opens_the_order(open_page: Any, order: Order) -> None:
    page = open_page("/orders/find/")
    submit_card_form(page)
    expect(
        page.locator("[data-result=invalid]")
    ).to_be_visible()  # the response to the first try contains the challenge
    expect(page.locator("[data-proof-of-work-status]")).to_have_text(
        "Done. You can look for your order now.", timeout=CHALLENGE_TIMEOUT
    )
    page.locator(f"{CARD_FORM} [type=submit]").click()
    expect(page.locator("[data-order-number]")).to_have_text("A-1001")
    expect(page.locator("[data-serial]")).to_have_text(SERIAL)


def test_without_javascript_the_page_offers_the_emailed_link(open_page: Any, order: Order) -> None:
    page = open_page("/orders/find/", java_script_enabled=False)
    submit_card_form(page)
    expect(page.locator("[data-result=invalid]")).to_be_visible()
    assert not Attempt.objects.filter(outcome="found").exists()
    page.locator(f"{CARD_FORM} a[href='#link']").click()
    form = page.locator("form[action='/orders/find/link/']")
    expect(form.locator("[name=email]")).to_have_value("buyer@example.com")
    form.locator("[type=submit]").click()
    expect(page.locator("h1")).to_have_text("Look into your mailbox")
    page.goto(f"/access/{AccessLink.objects.get().make_token()}/")
    page.locator("main [type=submit]").click()
    expect(page.locator("[data-serial]")).to_have_text(SERIAL)
