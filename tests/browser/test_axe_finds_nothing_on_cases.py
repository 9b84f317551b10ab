"""axe-core finds nothing on the queues of staff and the pages of cases, which fit on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Browser, Page

from licenses.models import LineWithoutSerial, Release
from refunds.models import ApprovalLimit, CashbackClaim, RefundTransaction, Return, ReturnPolicy, Swap, Withdrawal
from support.models import Article, Thread
from tests.browser.test_axe_finds_nothing_on_the_desk import fits, problems
from tests.desk.staff import signed_in
from tests.factories import make_agent
from tests.production.shop import fill_shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LISTS = (Thread, Return, Withdrawal, Swap, CashbackClaim, RefundTransaction, LineWithoutSerial, ApprovalLimit)
PAGES = (*LISTS, ReturnPolicy, Release, Article)
# What django-unfold and Django's select2 bring: two regions with the same name, and a search field without one.
DJANGO_UNFOLD = (
    "landmark-unique: Landmarks should have a unique role or role/label/title (i.e. accessible name) combination "
    '(<div class="simplebar',
    'label: Form elements must have labels (<input class="select2',
    'color-contrast: Elements must meet minimum color contrast ratio thresholds (<input class="select2',
)
ORDER_TABS = ("overview", "items", "money", "cases", "emails", "timeline")


@pytest.fixture(params=[(360, "dark"), pytest.param((1280, "light"), marks=pytest.mark.stress)], ids=str)
def page(request: Any, browser: Browser, live_server: Any, tmp_path: Path) -> Iterator[Page]:
    """A page of somebody who may do everything, in a shop with requests and messages in many states."""
    fill_shop(tmp_path / "orders.jsonl")
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en", base_url=live_server.url
    )
    session = signed_in(make_agent()).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def paths() -> Iterator[str]:
    for model in LISTS:
        yield _url(model, "changelist")
    for model in PAGES:
        rows = model._default_manager.order_by("pk")
        for row in {getattr(row, "status", ""): row for row in rows}.values():  # one in each status
            yield _url(model, "change", row.pk)
    order = Return.objects.order_by("pk").first().order
    for tab in ORDER_TABS:
        yield f"/admin/orders/order/{order.pk}/change/?tab={tab}"


def _url(model: type[Model], page: str, *values: int) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=values)


def test_queues_and_pages_of_cases_have_no_problem(page: Page) -> None:
    wrong = []
    for path in paths():
        page.goto(path)
        page.eval_on_selector_all("#content-main details", "all => all.forEach(each => { each.open = true })")
        wrong += [(path, each) for each in problems(page) if not each.startswith(DJANGO_UNFOLD)]
        if not fits(page):
            wrong.append((path, "too wide"))
    assert wrong == [], "\n".join(f"{path}: {problem}" for path, problem in wrong)
