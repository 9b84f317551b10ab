"""axe-core finds nothing on the desk's pages in the admin, which fit on a phone. django-unfold's frame isn't judged."""

from base64 import b32decode
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings

from desk.second_factor import draft_authenticator
from notifications.models import Message
from refunds.models import Return
from support.models import ArticleVote
from tests.browser.test_axe_finds_nothing import RULES
from tests.desk.people import bounce, make_busy_person, person_url, refund, unsubscribe
from tests.desk.signing_in import PASSWORD, SET_UP, make_authenticator, make_staff
from tests.desk.staff import code_of, signed_in
from tests.factories import make_agent, make_article, make_order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TABS = ("orders", "licenses", "cases", "threads", "emails", "attempts")


QUICK = [(1280, "light")]
ALL = [(360, "light"), (360, "dark"), (1280, "dark"), *QUICK]
VIEWS = [view if view in QUICK else pytest.param(view, marks=pytest.mark.stress) for view in ALL]


@pytest.fixture(params=VIEWS, ids=str)
def page(request: Any, browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page of somebody who may do everything."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en", base_url=live_server.url
    )
    session = signed_in(make_agent()).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    errors: list[str] = []  # also of content that the Content-Security-Policy blocked
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def problems(page: Page, context: str = "#content-main") -> list[str]:
    found = Axe().run(page, context=context, options=RULES).response["violations"]
    return [f"{each['id']}: {each['help']} ({each['nodes'][0]['html'][:160]})" for each in found]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_person_in_all_tabs_and_a_timeline_have_no_problem(page: Page) -> None:
    [order, *_others] = make_busy_person(rows=52)
    make_order(store_email="anne@example.com", billing_name="Ann Archer")
    refund(order, "10.00")
    bounce()
    unsubscribe()
    for name in TABS:
        page.goto(f"{person_url()}#{name}")
        page.reload()  # the part after # alone loads no page
        expect(page.locator(f"#{name}")).to_be_visible()
        expect(page.locator("section[data-tab]:visible")).to_have_count(1)
        assert problems(page) == []
        assert fits(page)
    for path in (f"{person_url()}orders/?page=2", f"/admin/orders/order/{order.pk}/change/?tab=timeline"):
        page.goto(path)
        assert problems(page) == []
        assert fits(page)


def test_home_and_reports_have_no_problem(page: Page) -> None:
    make_busy_person(rows=3)
    bounce()
    Return.objects.update(created_at=timezone.now(), due_at=timezone.now())
    version = make_article("find-order").versions.get()
    ArticleVote.objects.create(version=version, helped=True)
    Message.objects.update(sent_at=timezone.now())
    for path in ("/admin/", "/admin/desk/reports/"):
        page.goto(path)
        for folded in page.locator("details").all():
            folded.locator("summary").click()
        assert problems(page) == []
        assert fits(page)


def test_the_pages_of_logins_have_no_problem(page: Page) -> None:
    colleague = make_authenticator(make_agent(username="bob")).user
    signed_in(colleague)
    own = User.objects.exclude(pk=colleague.pk).get()
    for name in ("phone", "tablet"):
        device = make_authenticator(own, name)
    account = "/admin/desk/account/"
    paths = [account, f"{account}authenticators/", f"{account}authenticators/{device.pk}/remove/"]
    for path in [*paths, f"{account}recovery-codes/", f"/admin/desk/staff/{colleague.pk}/login/"]:
        page.goto(path)
        assert problems(page) == []
        assert fits(page)


def test_a_list_is_exported_by_its_button(page: Page) -> None:
    make_order(number="A-1")
    page.goto("/admin/orders/order/?status__exact=completed")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    assert waiting.value.suggested_filename.startswith("orders-")
    assert "A-1" in waiting.value.path().read_text(encoding="utf-8-sig")
    assert fits(page)


def test_the_pages_before_the_login_have_no_problem(page: Page, settings: Settings) -> None:
    settings.DEMO = False
    make_staff()
    page.context.clear_cookies()
    page.goto("/admin/password-reset/")
    assert problems(page, "[role=main]") == []
    page.goto("/admin/")
    page.fill("[name=username]", "ann")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"**{SET_UP}")
    assert problems(page, "[role=main]") == []
    assert fits(page)
    page.fill("[name=code]", "000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".errors")).to_be_visible()
    assert problems(page, "[role=main]") == []
    page.fill("[name=code]", code_of(draft_authenticator(User(), shown_key(page))))
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-recovery-codes]")).to_be_visible()
    assert problems(page) == []
    assert fits(page)


def shown_key(page: Page) -> str:
    return b32decode(page.locator("[data-key]").inner_text().replace(" ", "")).hex()


def test_a_tab_is_opened_by_its_link(page: Page) -> None:
    make_busy_person()
    page.goto(person_url())
    link = page.locator("#tabs-items a, #tabs-dropdown a", has_text="Cases")
    if not link.is_visible():
        page.locator("#tabs-wrapper .cursor-pointer").click()
    link.click()
    expect(page.locator("#cases")).to_be_visible()
    expect(page.locator("#orders")).to_be_hidden()
