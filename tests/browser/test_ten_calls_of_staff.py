"""Ten calls that an agent takes, with the clicks that each needs. Typing and Enter in a search aren't clicks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from desk.roles import AGENT, create_groups
from licenses.models import Device, DeviceRelease
from notifications.models import Message
from notifications.services import send
from orders.models import AddressCorrection, Order
from refunds.models import Return, ReturnPolicy
from refunds.services import returns
from refunds.services.returns import RequestedLine
from support.models import AnswerTemplate, Thread
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_store
from tests.pages import inside
from tests.support.submissions import make_claim, submit_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "ann.archer@example.com"


class Agent:
    """An agent at the home page, whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0
        page.goto("/admin/")

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks += 1

    def link(self, name: str, **options: Any) -> None:
        self.click(self.page.get_by_role("link", name=name, **options).first)

    def button(self, name: str, **options: Any) -> None:
        self.click(self.page.get_by_role("button", name=name, **options).first)

    def fold(self, name: str) -> None:
        self.click(self.page.locator(f"details#{name} > summary"))

    def search(self, typed: str) -> None:
        field = self.page.get_by_label("Search people, orders")
        field.fill(typed)
        field.press("Enter")

    def sees(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.locator("#content-main")).to_contain_text(text)


@pytest.fixture(params=[pytest.param(360, marks=pytest.mark.stress), 1280])
def agent(request: Any, browser: Browser, live_server: Any) -> Iterator[Agent]:
    context = browser.new_context(
        locale="en", base_url=live_server.url, viewport={"width": request.param, "height": 800}
    )
    user = make_agent(username="ada", is_superuser=False)
    create_groups(Group, Permission)  # a test with real commits loses those of the migrations
    user.groups.add(Group.objects.get(name=AGENT))
    session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield Agent(page)
    context.close()


@pytest.fixture
def order() -> Order:
    order = make_order(
        number="A-100234",
        store_email=ADDRESS,
        billing_name="Ann Archer",
        placed_at=timezone.now() - timedelta(days=2),
        store=make_store(name="Store Europe", language="en"),
    )
    license = make_license(make_line(order), "XAAB-0001-2222-3333", product=make_product())
    now = timezone.now()
    Device.objects.create(license=license, vendor_id="d-1", name="Old laptop", activated_at=now, last_seen_at=now)
    send("order_confirmation", order, ADDRESS, order_id=order.pk)
    return order


def test_everything_about_one_buyer(agent: Agent, order: Order) -> None:
    submit_message(inside(order), order=str(order.public_id), email=ADDRESS, subject="It does not start")
    agent.search("ann archer")
    agent.link("Ann Archer")
    agent.sees(ADDRESS, "A-100234", "€79.95")
    assert agent.clicks <= 2


def test_a_bounced_confirmation_is_sent_to_the_corrected_address(agent: Agent, order: Order) -> None:
    Message.objects.update(status=Message.Status.BOUNCED, bounced_at=timezone.now())
    agent.search("A-100234")
    agent.link("A-100234")
    agent.fold("correct")
    agent.page.get_by_label("Correct email address").fill("ann@example.org")
    agent.button("Correct the address")
    expect(agent.page.locator("#content-main")).to_contain_text("ann@example.org")
    agent.link("Emails")
    agent.button("Send the confirmation again")
    agent.sees("ann@example.org")
    assert AddressCorrection.objects.count() == 1
    assert Message.objects.filter(kind="order_confirmation", recipient="ann@example.org").exists()
    assert agent.clicks <= 5


def test_ten_returns_are_decided_one_after_the_other(agent: Agent) -> None:
    reason = make_reason()
    for _number in range(10):
        order = make_order(placed_at=timezone.now() - timedelta(days=1))
        returns.request_return(order, [RequestedLine(make_line(order).pk, 1)], reason)
    agent.page.goto("/admin/refunds/return/")
    agent.click(agent.page.locator("a[href*='/refunds/return/'][href*='/change/']").first)
    for case in Return.objects.order_by("due_at", "pk"):
        agent.button("Approve, then the next one")
        expect(agent.page.get_by_text(f"{case.reference}: saved.")).to_be_visible()
    assert Return.objects.filter(status=Return.Status.APPROVED).count() == 10
    assert agent.clicks <= 20


def test_a_return_is_approved_with_three_keys(agent: Agent, order: Order) -> None:
    case = returns.request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    agent.page.goto(f"/admin/refunds/return/{case.pk}/change/")
    agent.page.keyboard.press("?")
    expect(agent.page.locator("#shortcuts")).to_have_attribute("open", "")
    agent.page.locator("body").press("a")
    agent.page.keyboard.press("Enter")
    expect(agent.page.get_by_text(": saved.")).to_be_visible()
    case.refresh_from_db()
    assert case.status == Return.Status.APPROVED
    assert agent.clicks == 0


def test_where_is_my_serial_number(agent: Agent, order: Order) -> None:
    agent.search("A-100234")
    agent.link("A-100234")
    agent.link("Items and licenses")
    agent.sees("XAAB-0001-2222-3333", "Old laptop")
    assert agent.clicks <= 2


def test_a_lost_device_is_released(agent: Agent, order: Order) -> None:
    agent.search("XAAB-0001-2222-3333")
    agent.link("A-100234")
    agent.link("Items and licenses")
    agent.button("Release")
    expect(agent.page.get_by_role("button", name="Release")).to_have_count(0)
    assert DeviceRelease.objects.get().device.name == "Old laptop"
    assert agent.clicks <= 4


def test_a_return_is_requested_for_a_caller(agent: Agent, order: Order) -> None:
    ReturnPolicy.objects.create(store=order.store, in_force_from=timezone.now() - timedelta(days=900))
    reason = make_reason()
    agent.search("ann archer 4242")
    agent.link("A-100234")
    agent.link("Start a return")
    expect(agent.page.get_by_label("Maximum Security")).to_be_checked()
    agent.page.get_by_label("Reason").select_option(label=str(reason.name))
    agent.button("Request the return")
    expect(agent.page.locator("#content-main")).to_contain_text("R-")
    assert Return.objects.get().order == order
    assert agent.clicks <= 4


def test_the_oldest_message_is_answered_with_a_template(agent: Agent, order: Order) -> None:
    submit_message(inside(order), order=str(order.public_id), email=ADDRESS)
    AnswerTemplate.objects.create(name="Restart", text="Hello {name}, restart the installer.")
    agent.page.goto("/admin/")
    agent.click(agent.page.locator("table").get_by_role("link", name="Threads"))
    agent.click(agent.page.locator(".list-link").first)
    answer = agent.page.locator("[data-action=answer]")
    answer.locator("select").select_option(label="Restart")
    agent.click(answer.get_by_role("button", name="Insert"))
    expect(answer.locator("textarea")).to_have_value("Hello Ann Archer, restart the installer.")
    agent.click(answer.get_by_role("button", name="Answer", exact=True))
    expect(agent.page.locator("#content-main")).to_contain_text("answered")
    assert Thread.objects.get().status == Thread.Status.ANSWERED
    assert agent.clicks <= 4


def test_what_does_the_buyer_see(agent: Agent, order: Order) -> None:
    agent.search("A-100234")
    agent.link("A-100234")
    agent.link("See as buyer")
    expect(agent.page.frame_locator("iframe").locator("body")).to_contain_text("A-100234")
    assert agent.clicks <= 2


def test_a_password_that_leaked_ends_all_access(agent: Agent, order: Order) -> None:
    before = order.access_generation
    agent.search("A-100234")
    agent.link("A-100234")
    agent.fold("end_access")
    agent.button("End all access and make a new password")
    expect(agent.page.locator("#content-main")).to_contain_text("All access ended")
    order.refresh_from_db()
    assert order.access_generation > before
    assert agent.clicks <= 3


def test_a_charge_without_an_order_is_matched(agent: Agent, order: Order) -> None:
    claim = make_claim(
        ADDRESS, amount=order.total, currency="EUR", charged_on=order.placed_at.date(), card_last4="4242"
    )
    agent.page.goto("/admin/")
    agent.click(agent.page.locator("table").get_by_role("link", name="Threads"))
    agent.click(agent.page.locator(".list-link").first)
    agent.button("Match to A-100234")
    expect(agent.page.locator("#content-main")).to_contain_text("Order found")
    claim.refresh_from_db()
    assert claim.outcome == "matched"
    assert agent.clicks <= 3
