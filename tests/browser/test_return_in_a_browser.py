from datetime import UTC, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases import services
from notifications.colors import AA_CONTRAST, contrast
from orders.models import Order, OrderLine
from orders.passwords import portal_password
from refunds.models import Return
from refunds.policy import return_until
from refunds.services import returns
from tests.browser.test_accessibility_of_pages import COLLECT_TEXTS, MIN_TARGET_SIZE
from tests.factories import make_agent, make_license, make_line, make_order, make_reason

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def order(transactional_db: None) -> Order:
    order = make_order(number="A-1001", placed_at=timezone.now(), total=Decimal("239.90"))
    until = return_until(order.placed_at, UTC, 30)
    make_license(make_line(order, return_until=until))
    three = make_line(order, name="Internet Security", quantity=3, total=Decimal("159.95"), return_until=until)
    for _unit in range(3):
        make_license(three)
    return order


def line_of_three(order: Order) -> OrderLine:
    return order.lines.get(quantity=3)


def open_order(page: Page, order: Order) -> None:
    form = page.locator("form[action='/orders/find/number/']")
    form.locator("[name=order_number]").fill(order.number)
    form.locator("[name=password]").fill(portal_password(order) or "")
    form.locator("[type=submit]").click()
    expect(page.locator("[data-order-number]")).to_be_visible()


def to_hex(color: str) -> str:
    """Convert a color from the notation rgb(1, 2, 3) of browsers to #010203."""
    channels = color.removeprefix("rgba(").removeprefix("rgb(").rstrip(")").split(",")[:3]
    return "#" + "".join(f"{int(float(channel)):02x}" for channel in channels)


def test_requesting_a_return_after_a_mistake(open_page: Any, order: Order, scripts: bool) -> None:
    make_reason(name="It is too slow")
    page = open_page("/", java_script_enabled=scripts)
    open_order(page, order)
    page.get_by_role("link", name="Request a return").click()
    quantity = page.locator(f"[name=line-{line_of_three(order).pk}-quantity]")
    quantity.fill("4")
    page.locator("[name=comment]").fill("It is slow.")
    page.get_by_role("button", name="Continue").click()
    summary = page.locator("[data-result=invalid]")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Internet Security: you can return at most 3").click()
    expect(quantity).to_be_focused()
    quantity.fill("2")
    page.locator(f"[name=line-{line_of_three(order).pk}-serials]").nth(0).check()
    page.locator(f"[name=line-{line_of_three(order).pk}-serials]").nth(2).check()
    page.locator("[name=reason]").select_option(label="It is too slow")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-amount]")).to_contain_text("€106.63")
    page.get_by_role("link", name="Change your return").click()
    expect(page.locator("[name=comment]")).to_have_value("It is slow.")
    expect(page.locator(f"[name=line-{line_of_three(order).pk}-serials]").nth(2)).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    page.locator("[data-step=confirm] [type=submit]").click()
    expect(page.locator("[data-reference]")).to_have_attribute("data-status", "received")
    expect(page.locator("[data-reference]")).to_have_attribute("data-reference", Return.objects.get().reference)


def test_a_question_is_answered_and_the_return_canceled(open_page: Any, order: Order, scripts: bool) -> None:
    wanted = [returns.RequestedLine(line_of_three(order).pk, 3)]
    case = returns.request_return(order, wanted, make_reason())
    services.ask_question(case, make_agent(), "Which device?")
    page = open_page(case.path, java_script_enabled=scripts)
    form = page.locator("form[action='/orders/find/number/']")
    form.locator("[name=order_number]").fill(order.number)
    form.locator("[name=password]").fill(portal_password(order) or "")
    form.locator("[type=submit]").click()
    page.get_by_label("Your answer").fill("My laptop")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("[data-reference]")).to_have_attribute("data-status", "in_review")
    page.get_by_text("Cancel this return").click()
    page.get_by_role("button", name="Cancel the return").click()
    expect(page.locator("[data-reference]")).to_have_attribute("data-status", "cancelled")


def test_with_the_keyboard_alone(open_page: Any, order: Order) -> None:
    reason = make_reason(name="It is too slow")
    page = open_page("/")
    open_order(page, order)
    page.goto(f"/orders/{order.public_id}/return/")
    first = page.locator(f"[name=line-{order.lines.get(quantity=1).pk}-quantity]")
    for _step in range(30):
        page.keyboard.press("Tab")
        if first.evaluate("field => field === document.activeElement"):
            break
    page.keyboard.press("Space")
    select = page.locator("[name=reason]")
    for _step in range(10):
        page.keyboard.press("Tab")
        if select.evaluate("field => field === document.activeElement"):
            break
    page.keyboard.type("It is too")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    confirm = page.locator("[data-step=confirm] [type=submit]")
    expect(confirm).to_be_visible()
    for _step in range(30):
        page.keyboard.press("Tab")
        if confirm.evaluate("field => field === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("[data-reference]")).to_be_visible()
    assert Return.objects.get().reason == reason


def assert_page_is_accessible(page: Page) -> None:
    """Check width, contrast, order of headings, unique ids, labels and size of touch targets."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for text, ink, ground in page.evaluate(COLLECT_TEXTS):
        assert contrast(to_hex(ink), to_hex(ground)) >= AA_CONTRAST, (text, ink, ground)
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    fields = "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
    assert page.evaluate(f"{fields}.every(field => field.labels.length)")
    for height, name in page.evaluate(
        "[...document.querySelectorAll("
        "'button:not([aria-hidden]), .btn, input[type=number], select, summary, .form-check')]"
        ".filter(e => e.checkVisibility()).map(e => [e.getBoundingClientRect().height, e.outerHTML])"
    ):
        assert height >= MIN_TARGET_SIZE, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_a_return_is_accessible(open_page: Any, order: Order, scheme: str) -> None:
    agent, reason = make_agent(), make_reason(offers_swap=True)
    cases = [
        returns.request_return(order, [returns.RequestedLine(order.lines.get(quantity=1).pk, 1)], reason, "A word")
    ]
    services.decline(cases[0], agent, "No")
    for _case in range(2):
        cases.append(
            returns.request_return(order, [returns.RequestedLine(line_of_three(order).pk, 3)], reason, str(_case))
        )
        if not _case:
            services.cancel(cases[-1])
    services.ask_question(cases[-1], agent, "Which one?")
    late = make_order(placed_at=timezone.now() - timedelta(days=99))
    make_line(late)
    page = open_page("/", color_scheme=scheme, viewport={"width": 320, "height": 640})
    open_order(page, order)
    assert_page_is_accessible(page)
    for case in cases:
        page.goto(case.path)
        assert_page_is_accessible(page)
    page.get_by_role("button", name="Send answer").click()
    assert_page_is_accessible(page)
    services.cancel(cases[-1])
    page.goto(f"/orders/{order.public_id}/return/")
    assert_page_is_accessible(page)
    page.locator(f"[name=line-{line_of_three(order).pk}-quantity]").fill("2")
    page.get_by_role("button", name="Continue").click()
    assert_page_is_accessible(page)
    page.locator(f"[name=line-{line_of_three(order).pk}-quantity]").fill("3")
    page.locator("[name=reason]").select_option(str(reason.pk))
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-step=confirm]")).to_be_visible()
    assert_page_is_accessible(page)
    page.goto("/orders/find/")
    open_order(page, late)
    page.goto(f"/orders/{late.public_id}/return/")
    assert_page_is_accessible(page)
