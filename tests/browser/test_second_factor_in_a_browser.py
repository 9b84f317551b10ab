"""Setting up the second factor, signing in with it, and a recovery code, in a browser."""

from base64 import b32decode

import pytest
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from tests.browser.conftest import PHONE, Open
from tests.desk.signing_in import PASSWORD, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> None:
    settings.DEMO = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def enter_password(page: Page) -> None:
    page.fill("[name=username]", "ann")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")


def enter_code(page: Page, code: str) -> None:
    """Type the code. The field has the focus."""
    expect(page.locator("[name=code]")).to_be_focused()
    page.locator("[name=code]").fill("")
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def code_for(key: str) -> str:
    TOTPDevice.objects.update(last_t=-1)  # as if half a minute had passed
    return f"{TOTP(b32decode(key)).token():06}"


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_is_set_up_then_asked_for_and_a_recovery_code_helps(open_page: Open, viewport: dict[str, int]) -> None:
    make_staff()
    page = open_page("/admin/orders/order/", viewport=viewport)
    enter_password(page)
    expect(page.locator("[data-qr-code] svg")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    key = page.locator("[data-key]").inner_text().replace(" ", "")
    page.fill("[name=code]", code_for(key))
    page.keyboard.press("Enter")
    expect(page.locator("[data-recovery-codes]")).to_be_visible()
    codes = page.locator("[data-recovery-codes] li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url("**/admin/orders/order/")

    again = open_page("/admin/", viewport=viewport)
    enter_password(again)
    enter_code(again, "000000")
    expect(again.get_by_text("That code isn’t right")).to_be_visible()
    enter_code(again, codes[0].lower())
    again.wait_for_url("**/admin/")

    again.goto("/admin/desk/account/")
    expect(again.get_by_text("You have 9 unused recovery codes.")).to_be_visible()
    again.get_by_role("button", name="End session").click()
    expect(again.get_by_text("1 session ended.")).to_be_visible()
    page.reload()
    expect(page).to_have_url(again.url.partition("/admin/")[0] + "/admin/login/?next=/admin/orders/order/")

    enter_password(page)
    enter_code(page, code_for(key))
    page.wait_for_url("**/admin/orders/order/")
