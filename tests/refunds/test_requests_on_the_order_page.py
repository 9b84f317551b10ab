"""The panel of requests on the order page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from cases import services
from orders import panels
from orders.models import Order
from refunds.models import Return, Withdrawal
from refunds.panels import load_requests, orders_with_reference
from refunds.policy import return_until
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.pages import inside, text

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ASK = "Request a return"


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/"


def make_recent_order(days_ago: int = 3, **fields: Any) -> Order:
    """An order of one item, with a stored return deadline as imports set it."""
    order = make_order(placed_at=timezone.now() - timedelta(days=days_ago), **fields)
    make_line(order, return_until=return_until(order.placed_at, UTC, 30))
    return order


def panel_text(order: Order) -> str:
    response = inside(order).get(page_url(order))
    assert response.status_code == 200
    return text(response)


@time_machine.travel(NOON, tick=False)
def test_a_return_is_offered_within_the_return_period() -> None:
    order = make_recent_order()
    assert "Request a return 27 days left, until 17 December 2026" in panel_text(order)
    assert f'href="/orders/{order.public_id}/return/"' in inside(order).get(page_url(order)).content.decode()


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("days_ago", "sentence"),
    [
        (29, "1 day left, until 21 November 2026"),
        (30, "Request a return Today is the last day"),
        (31, "The return period ended on 19 November 2026"),
        (900, "The return period ended on"),
    ],
)
def test_the_panel_at_the_end_of_the_return_period(days_ago: int, sentence: str) -> None:
    assert sentence in panel_text(make_recent_order(days_ago))


def test_without_a_stored_deadline_the_panel_names_no_date() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    page = panel_text(order)
    assert "Request a return" in page
    assert "left, until" not in page


@pytest.mark.parametrize("fields", [{"is_test": True}, {"status": "refunded"}, {"status": "charged_back"}])
def test_nothing_is_offered_if_nothing_can_be_returned(fields: dict[str, Any]) -> None:
    assert "Request a return" not in panel_text(make_recent_order(**fields))


def test_requests_are_listed_with_their_status() -> None:
    order = make_recent_order(total=Decimal("159.90"))
    make_line(order, return_until=order.placed_at + timedelta(days=30))
    wanted = [RequestedLine(order.lines.all()[0].pk, 1)]
    declined = request_return(order, wanted, make_reason())
    services.decline(declined, make_agent(), "No")
    case = request_return(order, wanted, make_reason())
    withdrawal = Withdrawal.objects.create(
        name="Bea", order_number="A", email="b@example.com", order=order, status=Withdrawal.Status.DECLINED
    )
    page = inside(order).get(page_url(order))
    for each in (declined, case):
        assert f'<a href="{each.path}" translate="no">{each.reference}</a>' in page.content.decode()
    assert f"Withdrawal {withdrawal.reference}" in text(page)
    assert "Declined" in text(page)
    assert "Received" in text(page)
    assert ASK in text(page)  # the other item


def test_a_requested_item_is_not_offered_again() -> None:
    order = make_recent_order()
    case = request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    assert ASK not in panel_text(order)
    services.cancel(case)
    assert ASK in panel_text(order)


@pytest.mark.parametrize(("status", "offered"), [("received", False), ("refunded", False), ("declined", True)])
def test_after_a_withdrawal_a_return_is_offered_only_if_it_was_declined(status: str, offered: bool) -> None:
    order = make_recent_order()
    Withdrawal.objects.create(name="Bea", order_number="A", email="b@example.com", order=order, status=status)
    assert (ASK in panel_text(order)) is offered


def test_one_query_for_many_orders(django_assert_num_queries) -> None:
    orders = [make_recent_order() for _order in range(5)]
    for order in orders[:3]:
        request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    panels.load_items(orders)
    with django_assert_num_queries(1):
        shown = load_requests(orders)
    assert [len(shown[order.pk].cases) for order in orders] == [1, 1, 1, 0, 0]
    assert [shown[order.pk].can_request_return for order in orders] == [False, False, False, True, True]


@pytest.mark.parametrize("change", [str, str.lower, "  {}\n".format])
def test_staff_find_the_order_by_the_reference(change: Any) -> None:
    order = make_recent_order()
    case = request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    assert list(orders_with_reference(change(case.reference))) == [order.pk]
    assert not orders_with_reference("R-00000000").exists()
    assert not orders_with_reference("buyer@example.com").exists()


def test_strangers_do_not_see_requests() -> None:
    order = make_recent_order()
    request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason())
    stranger = inside(make_order(store_email="stranger@example.com"))
    assert stranger.get(page_url(order)).status_code == 302
    assert Return.objects.get().reference not in stranger.get("/orders/", follow=True).content.decode()
