"""The admin works under its Content-Security-Policy: `open_page` fails for every script or style that is blocked."""

import re

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from files.services import store_file
from licenses.models import Product
from orders.models import Order
from support.models import ArticleVersion
from tests.browser.conftest import Open
from tests.factories import make_agent, make_article, make_order
from tests.files import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESKTOP = {"width": 1280, "height": 800}


def signed_in(open_page: Open, path: str) -> Page:
    """A page of somebody who may do everything."""
    browser = Client()
    browser.force_login(make_agent())
    page = open_page("/admin/login/", viewport=DESKTOP)
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.url.partition("/admin")[0]}]
    )
    page.goto(path)
    return page


def test_staff_sign_in_and_download_an_upload(open_page: Open) -> None:
    User.objects.create_superuser("agent", password="a long password")
    store_file(factories.upload(factories.pdf_bytes(), "statement.pdf"), client=None)
    page = open_page("/admin/files/upload/", viewport=DESKTOP)
    page.fill("[name=username]", "agent")
    page.fill("[name=password]", "a long password")
    page.click("button[type=submit]")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.suggested_filename == "statement.pdf"


@pytest.mark.stress
def test_every_list_and_form_opens(open_page: Open, order: Order) -> None:
    make_article("cashback")
    page = signed_in(open_page, "/admin/")
    for model in admin.site._registry:
        changelist = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page.goto(changelist)
        paths = [link.get_attribute("href") or "" for link in page.locator(f"main a, a[href^='{changelist}']").all()]
        forms = {path for path in paths if re.fullmatch(rf"{changelist}(add|[^/?]+/change)/.*", path)}
        for path in sorted(forms)[:1]:
            response = page.goto(path)
            assert response is not None
            assert response.ok


def test_a_list_is_searched_filtered_and_acted_on(open_page: Open, order: Order) -> None:
    other = make_order(number="B-2002", card_brand="", payment_method="paypal")
    page = signed_in(open_page, "/admin/orders/order/")
    page.fill("#searchbar", "A-1001")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list")).to_contain_text("A-1001")
    expect(page.locator("#result_list")).not_to_contain_text(other.number)
    page.goto("/admin/support/articleversion/")
    make_article("cashback")
    page.reload()
    page.locator("#action-toggle").check()
    expect(page.locator("tr.selected, tr:has(.action-select:checked)").first).to_be_visible()
    page.locator("select[name=action]").select_option("withdraw")
    page.locator("#changelist-actions button, [name=index]").first.click()
    page.wait_for_load_state()
    assert ArticleVersion.objects.filter(is_withdrawal=True).exists()


def test_a_version_is_written_with_autocomplete_and_date_picker(open_page: Open) -> None:
    make_article("cashback")
    page = signed_in(open_page, "/admin/support/articleversion/add/")
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").first.fill("cash")
    page.locator(".select2-results__option", has_text="cashback").click()
    page.fill("[name=title]", "In a browser")
    page.fill("[name=body]", "A text.")
    page.locator("[id^=calendarlink]").first.click()
    page.locator(".calendarbox td a").first.click()
    page.locator("[id^=clocklink]").first.click()
    page.locator(".clockbox a").first.click()
    assert re.fullmatch(r"\d{4}-\d\d-01", page.input_value("[name=publish_at_0]"))
    page.click("[name=_save]")
    page.wait_for_url("**/admin/support/articleversion/**")
    assert ArticleVersion.objects.get(title="In a browser").article.slug == "cashback"


def test_a_product_is_added_with_a_row_of_an_inline(open_page: Open) -> None:
    page = signed_in(open_page, "/admin/licenses/product/add/")
    page.fill("[name=name]", "Internet Security")
    page.fill("[name=slug]", "internet-security")
    page.locator(".add-row a, .add-row").first.click()
    page.locator("[name='prefixes-0-prefix']").fill("P")
    page.click("[name=_save]")
    page.wait_for_url("**/admin/licenses/product/")
    assert [prefix.prefix for prefix in Product.objects.get().prefixes.all()] == ["P"]


def test_dark_mode_and_command_search(open_page: Open) -> None:
    page = signed_in(open_page, "/admin/")
    page.evaluate("localStorage.clear()")
    expect(page.locator("html")).not_to_have_class(re.compile("dark"))
    page.get_by_text("light_mode").first.dispatch_event("click")
    page.get_by_text("dark_mode").first.dispatch_event("click")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("polic")
    expect(page.locator("#command-results")).to_contain_text("Return policies")


def test_an_injected_script_does_not_run(open_page: Open, browser_errors: list[str]) -> None:
    page = signed_in(open_page, "/admin/")
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'ran'";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<a id=bait href='#' onclick='document.title = `ran`'>a</a>");
            document.getElementById("bait").click();
        }"""
    )
    assert page.title() != "ran"
    assert len(browser_errors) == 2
    browser_errors.clear()
