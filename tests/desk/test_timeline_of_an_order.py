"""The timeline of an order has what happened to it from all rooms, newest first, as far as staff may see it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import services
from desk.timeline import MAX_EVENTS
from licenses.models import Download
from notifications.models import Message
from orders.models import Attempt, Order
from orders.services.address_corrections import correct_address, undo_correction
from refunds.models import RefundTransaction
from tests.desk.people import ADDRESS, make_busy_person, refund
from tests.desk.staff import signed_in, staff_with
from tests.factories import make_agent, make_order, make_product, make_release

pytestmark = pytest.mark.django_db

MAX_QUERIES = 40


def url(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/change/?tab=timeline"


@pytest.fixture
def agent() -> Client:
    return signed_in(make_agent(username="ann"))


@pytest.fixture
def order() -> Order:
    """An order to which everything has happened."""
    [order] = make_busy_person()
    staff = make_agent(username="bob")
    refund(order, "10.00")
    case = order.returns.get()
    services.start_review(case, staff)
    services.add_note(case, staff, "secret note")
    RefundTransaction.objects.create(
        order=order,
        return_case=case,
        currency="EUR",
        amount=Decimal("5.00"),
        gateway="manual",
        status="done",
        store_reference="x",
        done_at=timezone.now(),
        done_by=staff,
    )
    correction = correct_address(order, "anne@example.com", by=staff)
    undo_correction(correction, staff)
    messages = Message.objects.filter(order_id=order.pk)
    messages.update(status="sent", sent_at=timezone.now())
    messages.filter(pk=messages.earliest("pk").pk).update(status="bounced", bounced_at=timezone.now())
    Download.objects.create(
        order=order, release=make_release(make_product()), client="192.0.2.7", started_at=timezone.now()
    )
    order.refresh_from_db()
    return order


def events(page: str) -> list[str]:
    items = re.findall(r"<li class=\"border-b.*?</li>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in items]


EXPECTED = {
    "orders.view_order": ("Order placed: €79.95", "Order imported"),
    "orders.view_refund": ("€10.00 refunded",),
    "refunds.view_refundtransaction": ("Refund of €5.00 approved", "bob Refund of €5.00 completed"),
    "refunds.view_return": ("bob Return R-", "in review", "internal note"),
    "orders.view_addresscorrection": ("bob Address corrected from ann@example.com to anne@example.com", "undone"),
    "orders.view_attempt": ("visitor Attempt to open it: email and card, refused, 192.0.2.1",),
    "notifications.view_message": ("the portal Email sent to", "bounced"),
    "licenses.view_download": ("buyer Download link issued", "Download started"),
}


def test_events_of_all_rooms_are_shown_newest_first(agent: Client, order: Order) -> None:
    page = agent.get(url(order)).content.decode()
    shown = events(page)
    for texts in EXPECTED.values():
        for text in texts:
            assert any(text in each for each in shown), text
    moments = re.findall(r'<time datetime="([^"]+)"', page)
    assert moments == sorted(moments, reverse=True)
    assert "secret note" not in str(shown)


@pytest.mark.parametrize("permission", EXPECTED)
def test_each_kind_of_event_needs_its_permission(order: Order, permission: str) -> None:
    page = staff_with("orders.view_order", permission).get(url(order)).content.decode()
    shown = str(events(page))
    for other, texts in EXPECTED.items():
        if other not in ("orders.view_order", permission):
            assert texts[0] not in shown
        else:
            assert texts[0] in shown


def test_what_staff_did_in_the_admin_is_shown(agent: Client) -> None:
    order = make_order(store_email=ADDRESS)
    agent.post(f"/admin/orders/order/{order.pk}/action/", {"action": "end_access"})
    shown = events(agent.get(url(order)).content.decode())
    assert any("ann All access ended, and a new password made." in each for each in shown)
    assert any("All access to the order ended" in each for each in shown)


def test_at_most_a_hundred_events_are_shown_with_a_fixed_number_of_queries(agent: Client, order: Order) -> None:
    with CaptureQueriesContext(connection) as few:
        agent.get(url(order))
    at = timezone.now() + timedelta(hours=1)
    attempts = Attempt.objects.bulk_create(
        Attempt(method="card", outcome="refused", subject=ADDRESS, client=f"client {number}") for number in range(120)
    )
    Attempt.objects.filter(pk=attempts[-1].pk).update(at=at)
    with CaptureQueriesContext(connection) as many:
        page = agent.get(url(order)).content.decode()
    assert len(many) == len(few) <= MAX_QUERIES
    shown = events(page)
    assert len(shown) == MAX_EVENTS
    assert "client 119" in shown[0]
    assert "The newest 100 events are shown." in page


def test_others_get_no_timeline(order: Order, client: Client) -> None:
    assert client.get(url(order)).status_code == 302
    assert staff_with("refunds.view_return").get(url(order)).status_code == 403


def test_the_pages_of_orders_and_cases_link_the_person(agent: Client, order: Order) -> None:
    page = agent.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert f'href="{url(order)}"' in page
    pages = [page, agent.get(url(order)).content.decode()]
    for case in (order.returns.get(), order.withdrawals.get(), order.swaps.get(), order.threads.first()):
        assert case is not None
        name = f"{case._meta.app_label}/{case._meta.model_name}"
        pages.append(agent.get(f"/admin/{name}/{case.pk}/change/").content.decode())
    for each in pages:
        link = re.search(r'href="(/admin/desk/person/[^"]+/)"', each)
        assert link is not None
        assert ADDRESS in agent.get(link[1]).content.decode()
    store = agent.get(f"/admin/orders/store/{order.store_id}/change/").content.decode()
    assert "/admin/desk/person/" not in store
