"""Lists of the admin are short pages, and never count or read all rows of a large table."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from desk import lists
from desk.lists import PER_PAGE, BoundedPaginator
from notifications.models import Message
from orders.models import Attempt, Order
from support.models import Thread
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_license, make_line, make_order, make_store
from tests.pages import text

pytestmark = pytest.mark.django_db

MAX_BYTES = 100_000
LISTS = [
    "orders/order",
    "licenses/license",
    "notifications/message",
    "orders/attempt",
    "support/thread",
]


def make_rows(count: int) -> None:
    store = make_store(name="A store with a rather long name")
    for number in range(count):
        address = f"somebody.with.a.long.name.{number}@department.example.com"
        order = make_order(store=store, store_email=address, billing_name="Wolfeschlegelsteinhausen, Hubert Blaine")
        make_license(make_line(order))
        common = {"object_id": order.pk, "order_id": order.pk, "recipient": address}
        Message.objects.create(kind="order_confirmation", last_error="550 mailbox unavailable", **common)
        Thread.objects.create(kind=Thread.Kind.CONTACT, subject="A question", email=address, order=order)
        Attempt.objects.create(
            method=Attempt.Method.CARD, outcome=Attempt.Outcome.REFUSED, subject=address, client="192.0.2.1"
        )


def test_every_list_is_at_most_100_kb() -> None:
    make_rows(PER_PAGE + 1)
    browser = signed_in(make_agent())
    for path in LISTS:
        page = browser.get(f"/admin/{path}/")
        assert page.content.count(b'class="data-row"') == PER_PAGE, path
        assert len(page.content) < MAX_BYTES, path


def test_every_admin_has_the_bounded_paginator_and_no_filter_that_reads_a_large_table() -> None:
    large = (Order, Message, Attempt)
    for model, model_admin in admin.site._registry.items():
        assert model_admin.paginator is BoundedPaginator, model
        assert model_admin.list_per_page <= 50, model
        assert not model_admin.show_full_result_count, model
        if model in large:
            assert model_admin.date_hierarchy is None, model  # would read all dates


def test_no_statement_of_the_list_of_orders_reads_all_of_them() -> None:
    make_rows(PER_PAGE + 1)
    browser = signed_in(make_agent())
    with CaptureQueriesContext(connection) as queries:
        browser.get("/admin/orders/order/")
    statements = [query["sql"] for query in queries if '"orders_order"' in query["sql"]]
    assert statements
    assert [each for each in statements if "LIMIT" not in each] == []


def test_the_number_of_queries_does_not_grow_with_the_rows() -> None:
    browser = signed_in(make_agent())

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(f"/admin/{path}/")
        return len(queries)

    make_rows(2)
    before = {path: count(path) for path in LISTS}
    make_rows(20)
    assert {path: count(path) for path in LISTS} == before


def test_beyond_the_limit_a_list_says_that_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_ROWS", 2 * PER_PAGE)
    make_rows(2 * PER_PAGE + 1)
    browser = signed_in(make_agent())
    page = browser.get("/admin/orders/order/?p=2")
    assert page.context["cl"].paginator.count == 2 * PER_PAGE
    assert "There may be more" in text(page)
    assert browser.get("/admin/orders/order/?p=3").status_code == 302  # Django's way for pages that don't exist


def test_within_the_limit_a_list_counts_exactly() -> None:
    make_rows(3)
    page = signed_in(make_agent()).get("/admin/orders/order/")
    assert page.context["cl"].paginator.count == 3
    assert "There may be more" not in text(page)


def test_a_count_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    make_rows(1)
    monkeypatch.setattr("desk.limits.SEARCH_SECONDS", -1.0)
    page = signed_in(make_agent()).get("/admin/orders/order/")
    assert page.status_code == 200
    assert page.context["cl"].paginator.has_more
    assert "There may be more" in text(page)


@pytest.mark.parametrize("page", ["0", "-1", "999999999999", "x", "%00", "1e9"])
def test_any_page_number_is_answered(page: str) -> None:
    make_rows(1)
    assert signed_in(make_agent()).get(f"/admin/orders/order/?p={page}").status_code in (200, 302)


FILTERS = [
    ("orders/order", "payment_method=paypal"),
    ("orders/order", "placed_at__gte=2026-11-01T00:00:00Z"),
    ("notifications/message", "language=de"),
]


@pytest.mark.parametrize(("path", "query"), FILTERS)
def test_filters_narrow_the_list_down(path: str, query: str) -> None:
    make_order(payment_method="paypal", placed_at="2026-11-02T00:00:00Z")
    make_order(payment_method="card", placed_at="2026-10-02T00:00:00Z")
    for language in ("de", "en"):
        Message.objects.create(kind="note", object_id=1, key=language, recipient="a@b.example", language=language)
    page: Any = signed_in(make_agent()).get(f"/admin/{path}/?{query}")
    assert page.context["cl"].paginator.count == 1
