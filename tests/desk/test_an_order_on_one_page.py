"""The page of an order: the card, what each tab shows, and to whom."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from desk.order_tabs import TABS
from licenses.models import Device
from orders.models import Order
from refunds.services.returns import RequestedLine, request_return
from tests.desk.people import refund
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_license, make_line, make_order, make_reason
from tests.pages import text

pytestmark = pytest.mark.django_db

SERIAL = "XAAB-1234-5678-9012-3456"
MAX_QUERIES = 45


@pytest.fixture
def agent() -> Client:
    return signed_in(make_agent())


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", placed_at=timezone.now() - timedelta(days=3))
    line = make_line(order, return_until=timezone.now() + timedelta(days=27))
    license = make_license(line, SERIAL, devices=3)
    now = timezone.now()
    Device.objects.create(
        license=license, vendor_id="d1", name="Kitchen", platform="Windows", activated_at=now, last_seen_at=now
    )
    return order


def page(order: Order, tab: str = "") -> str:
    return f"/admin/orders/order/{order.pk}/change/" + (f"?tab={tab}" if tab else "")


def test_the_card_is_on_every_tab(agent: Client, order: Order) -> None:
    for tab in TABS:
        shown = text(agent.get(page(order, tab.name)))
        for fact in ("A-1001", "completed", "€79.95", "27 days left", "buyer@example.com", "Bea Buyer"):
            assert fact in shown, (tab.name, fact)


def test_the_card_says_why_nothing_can_be_returned(agent: Client, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(status="refunded")
    assert "already refunded" in text(agent.get(page(order)))


def test_items_have_their_serial_numbers_and_devices(agent: Client, order: Order) -> None:
    shown = text(agent.get(page(order, "items")))
    for fact in ("1 × Maximum Security", SERIAL, "1 of 3 devices", "Kitchen (Windows)", "can be returned until"):
        assert fact in shown, fact


def test_an_item_without_its_serial_number_leads_to_where_one_is_assigned(agent: Client, order: Order) -> None:
    line = make_line(order, name="Second Product")
    assert f"/admin/licenses/linewithoutserial/{line.pk}/change/" in agent.get(page(order, "items")).content.decode()


def test_money_is_the_ledger(agent: Client, order: Order) -> None:
    refund(order, "10.00")
    shown = text(agent.get(page(order, "money")))
    assert re.search(r"Paid €79.95 Refunded €10.00 Promised €0.00 Left €69.95", shown)
    assert "Refund reported by the store" in shown
    assert "-€10.00" in shown


def test_cases_are_listed_with_their_due_date(agent: Client, order: Order) -> None:
    case = request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    shown = text(agent.get(page(order, "cases")))
    assert case.reference in shown
    assert "received" in shown


@pytest.mark.parametrize(
    ("role", "tabs"),
    [
        ("agent", {"overview", "items", "money", "cases", "emails", "timeline"}),
        ("finance", {"overview", "items", "money", "cases", "timeline"}),
        ("auditor", {"overview", "items", "money", "cases", "emails", "timeline"}),
    ],
)
def test_each_role_has_its_tabs(order: Order, role: str, tabs: set[str]) -> None:
    shown = staff_with_role(role).get(page(order)).content.decode()
    assert set(re.findall(r"\?tab=(\w+)\"", shown)) == tabs


def test_a_tab_that_is_hidden_or_unknown_is_the_first_one(order: Order) -> None:
    browser = staff_with("orders.view_order")
    for tab in ("emails", "items", "nothing", "\x00", "x" * 5000):
        answer = browser.get(page(order), {"tab": tab})
        assert answer.status_code == 200
        assert 'data-tab="overview"' in answer.content.decode()


def test_finance_sees_items_without_serial_numbers_and_devices(order: Order) -> None:
    shown = staff_with_role("finance").get(page(order, "items")).content.decode()
    assert "Maximum Security" in shown
    assert SERIAL not in shown
    assert "Kitchen" not in shown


def test_an_auditor_gets_no_buttons(order: Order) -> None:
    browser = staff_with_role("auditor")
    for tab in TABS:
        shown = browser.get(page(order, tab.name)).content.decode()
        assert "data-action" not in shown
        assert f"/order/{order.pk}/return/" not in shown


def test_queries_do_not_grow_with_items_licenses_devices_and_emails(agent: Client, order: Order) -> None:
    def count(tab: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert agent.get(page(order, tab)).status_code == 200
        return len(queries)

    make_line(order, name="Without a serial number")
    few = {tab.name: count(tab.name) for tab in TABS}
    now = timezone.now()
    for number in range(10):
        license = make_license(make_line(order, name=f"Product {number}"), f"XAAB-1234-5678-9012-{number:04}")
        Device.objects.create(license=license, vendor_id="d1", activated_at=now, last_seen_at=now)
        make_line(order, name=f"Without a serial number {number}")
    assert {tab.name: count(tab.name) for tab in TABS} == few
    assert max(few.values()) <= MAX_QUERIES, few


def test_an_order_that_does_not_exist_leads_home(agent: Client) -> None:
    assert agent.get("/admin/orders/order/999999/change/").status_code == 302
