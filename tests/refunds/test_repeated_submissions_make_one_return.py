"""Repeated and concurrent submissions of a return make one return and one email."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import services
from notifications.models import Message
from orders.models import Order
from refunds.models import Return, ReturnEvent
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.pages import inside, marks, text

TOGETHER = 50


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def form_of(order: Order, **fields: Any) -> dict[str, Any]:
    line = order.lines.get()
    return {f"line-{line.pk}-quantity": "1", "reason": make_reason().pk, "comment": "", "confirm": "1"} | fields


def send_together(order: Order, form: dict[str, Any]) -> list[str]:
    """Post the form from fifty sessions at the same moment, and return where each is redirected."""
    cookies = inside(order).cookies
    start = Barrier(TOGETHER)

    def send(_number: int) -> str:
        browser = Client()
        browser.cookies = cookies
        try:
            start.wait(timeout=60)
            return browser.post(page_url(order), form).headers["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(send, range(TOGETHER)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("submission", [{"submission_id": str(uuid4())}, {}], ids=["of one form", "without an id"])
@pytest.mark.parametrize("units", [1, 60])
def test_fifty_concurrent_submissions_make_one_return(submission: dict[str, str], units: int) -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order, quantity=units)
    led_to = send_together(order, form_of(order, **submission))
    case = Return.objects.get()
    assert led_to == [f"/returns/{case.reference}/"] * TOGETHER
    assert case.lines.get().quantity == 1
    assert Message.objects.filter(kind="return_received").count() == 1
    assert ReturnEvent.objects.count() == 1


@pytest.mark.django_db
def test_the_same_form_again_leads_to_the_same_return() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order, quantity=2)
    browser = inside(order)
    form = form_of(order, submission_id=marks(browser.get(page_url(order)), 'name="submission_id" value')[0])
    first, second = (browser.post(page_url(order), form) for _click in range(2))
    assert first["Location"] == second["Location"]
    assert Return.objects.count() == 1


@pytest.mark.django_db
def test_a_second_window_leads_to_the_same_return_if_no_unit_is_left() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    browser = inside(order)
    form = form_of(order)
    first, second = (browser.post(page_url(order), form | {"submission_id": window}) for window in ("one", "two"))
    assert first["Location"] == second["Location"]
    assert Return.objects.count() == 1


@pytest.mark.django_db
def test_a_submission_id_of_another_order_is_not_matched() -> None:
    for _order in range(2):
        order = make_order(placed_at=timezone.now())
        make_line(order)
        response = inside(order).post(page_url(order), form_of(order, submission_id="the same"))
        assert response["Location"] == order.returns.get().path
    assert Return.objects.count() == 2


@pytest.mark.django_db
def test_after_canceling_the_item_can_be_requested_again() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    browser, form = inside(order), form_of(order)
    first = browser.post(page_url(order), form)
    browser.post(f"{first['Location']}cancel/")
    second = browser.post(page_url(order), form)
    assert second["Location"] != first["Location"]
    assert "Maximum Security" in text(browser.get(second["Location"]))


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["cancel", "decline"])
def test_the_same_form_after_canceling_makes_a_new_return_and_a_second_click_finds_it(end: str) -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    browser, form = inside(order), form_of(order, submission_id="one")
    first = browser.post(page_url(order), form)["Location"]
    case = Return.objects.get()
    services.cancel(case) if end == "cancel" else services.decline(case, make_agent(), "Not this one.")
    second, third = (browser.post(page_url(order), form)["Location"] for _click in range(2))
    assert first != second == third
    assert Return.objects.count() == 2
    assert Message.objects.filter(kind="return_received").count() == 2
