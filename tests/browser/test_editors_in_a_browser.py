"""Editors write texts and publish releases, and agents insert templates, with and without scripts."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings

from licenses.models import Release
from support.models import AnswerTemplate, ArticleVersion
from tests.browser.test_axe_finds_nothing_on_the_desk import fits, page, problems
from tests.desk.staff import signed_in
from tests.factories import (
    make_agent,
    make_article,
    make_article_version,
    make_line,
    make_order,
    make_product,
    make_release,
)
from tests.pages import inside
from tests.support.submissions import submit_message

__all__ = ["page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def two_languages(settings: Settings) -> None:
    """A vendor who has switched the other languages off."""
    settings.LANGUAGES = [("en", "English"), ("de", "German")]


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def staff(request: Any, browser: Browser, live_server: Any) -> Iterator[BrowserContext]:
    """A browser of somebody who may do everything."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        locale="en",
        base_url=live_server.url,
        java_script_enabled=request.param,
    )
    session = signed_in(make_agent(first_name="Ada")).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    context.set_default_timeout(10_000)
    yield context
    context.close()


def test_the_pages_of_editors_have_no_problem(page: Page) -> None:
    article = make_article("install", title="How to install")
    make_article_version(article, title="Later", publish_at=None, created_by=make_agent(username="ben"))
    make_article_version(article, language="de", title="Installieren")
    current = make_release(make_product(), b"MZ", version="17.9")
    draft = make_release(current.product, b"MZ", version="17.8", released_at=None)
    for path in (f"support/article/{article.pk}/texts/", f"licenses/release/{draft.pk}/publish/"):
        page.goto(f"/admin/{path}")
        assert problems(page) == []
        assert fits(page)
    page.goto(f"/admin/licenses/release/{draft.pk}/change/")
    assert fits(page)


def test_a_phone_stacks_the_languages_and_a_desk_shows_them_side_by_side(page: Page) -> None:
    article = make_article("install")
    make_article_version(article, language="de")
    page.goto(f"/admin/support/article/{article.pk}/texts/")
    boxes = [page.locator(f"[data-language={code}]").bounding_box() for code in ("en", "de")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    is_phone = page.viewport_size is not None and page.viewport_size["width"] == 360
    assert (boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]) == is_phone
    assert (boxes[1]["y"] == boxes[0]["y"]) != is_phone


def test_a_text_is_translated_previewed_and_published(staff: BrowserContext) -> None:
    article = make_article("install", title="How to install", body="Open the file.")
    page = staff.new_page()
    page.goto(f"/admin/support/article/{article.pk}/texts/")
    page.get_by_role("button", name="Start with the text in English").click()
    page.locator("[name=de-title]").fill("So installieren Sie")
    page.locator("[name=de-body]").fill("**Öffnen** Sie die Datei.")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Preview as a buyer (German)").click()
    preview = opened.value
    expect(preview.locator("h1")).to_have_text("So installieren Sie")
    expect(preview.locator("strong")).to_have_text("Öffnen")
    assert ArticleVersion.objects.count() == 1
    page.locator("[name=de-publish]").select_option("now")
    page.get_by_role("button", name="Save all languages").click()
    expect(page.locator("[data-language=de]")).to_have_attribute("data-state", "published")
    expect(page.locator("[data-language=en]")).to_have_attribute("data-state", "published")
    assert ArticleVersion.objects.count() == 2


def test_a_template_is_inserted_filled_in_and_sent(staff: BrowserContext) -> None:
    order = make_order(number="A-1001", billing_name="Bea Buyer")
    make_line(order)
    thread = submit_message(inside(order), order=str(order.public_id))
    AnswerTemplate.objects.create(name="Steps", text="Hello {name}, your order {order_number}: {agent}")
    thread.order = None
    thread.save()
    page = staff.new_page()
    page.goto(f"/admin/support/thread/{thread.pk}/change/")
    answer = page.locator("[data-action=answer]")
    answer.locator("textarea").fill("I looked into it.")
    answer.locator("select").select_option(label="Steps")
    answer.get_by_role("button", name="Insert").click()
    expect(answer.locator("textarea")).to_have_value("I looked into it.\n\nHello, your order {order_number}: Ada")
    expect(answer).to_contain_text("Replace or remove these fields before you send it: {order_number}")
    answer.get_by_role("button", name="Answer", exact=True).click()
    expect(answer).to_contain_text("Replace or remove these fields before you send it: {order_number}.")
    assert thread.events.count() == 1
    answer.locator("textarea").fill("I looked into it.")
    answer.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator("body")).to_contain_text(f"{thread.reference}: saved.")
    assert thread.events.count() == 2


def test_a_release_is_published_after_the_warnings_are_confirmed(staff: BrowserContext) -> None:
    current = make_release(make_product(), b"MZ", version="17.9")
    draft = make_release(current.product, b"MZ newer", version="17.8", released_at=None)
    page = staff.new_page()
    page.goto(f"/admin/licenses/release/{draft.pk}/change/")
    page.locator("a[href$='/publish/']").first.click()
    page.get_by_role("button", name="Publish release").click()  # the browser asks for the confirmation
    assert Release.objects.current().get() == current
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Publish release").click()
    expect(page.locator("body")).to_contain_text("Buyers can download it now.")
    assert Release.objects.current().get() == draft
