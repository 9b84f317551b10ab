from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from orders.access import site_card_rate, under_enumeration
from orders.models import AccessLink, Attempt, Order
from orders.rate_limits import RateLimit, consume
from tests.browser.finding import find_by_card, unfold

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


def test_a_solved_challenge_opens_the_order(open_page: Any, order: Order) -> None:
    page = open_page("/orders/find/")
    find_by_card(page)
    expect(
        page.locator("[data-result=invalid]")
    ).to_be_visible()  # the response to the first try contains the challenge
    expect(page.locator("[data-proof-of-work-status]")).to_have_text(
        "Done. You can now find your order.", timeout=CHALLENGE_TIMEOUT
    )
    page.locator(f"{CARD_FORM} [type=submit]").click()
    expect(page.locator("[data-order-number]")).to_have_text("A-1001")
    expect(page.locator("[data-serial]")).to_have_text(SERIAL)


def test_without_javascript_the_page_offers_the_emailed_link(open_page: Any, order: Order) -> None:
    page = open_page("/orders/find/", java_script_enabled=False)
    find_by_card(page)
    expect(page.locator("[data-result=invalid]")).to_be_visible()
    assert not Attempt.objects.filter(outcome="found").exists()
    page.locator(f"{CARD_FORM} a[href='#link']").click()
    form = unfold(page, "link")
    expect(form.locator("[name=email]")).to_have_value("buyer@example.com")
    form.locator("[type=submit]").click()
    expect(page.locator("h1")).to_have_text("Check your email")
    page.goto(f"/access/{AccessLink.objects.get().make_token()}/")
    page.locator("main [type=submit]").click()
    expect(page.locator("[data-serial]")).to_have_text(SERIAL)
