"""The page of a person shows what belongs to an address and nothing of others, with a fixed number of queries."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from desk.person_keys import make_person_key
from orders.models import Attempt, Order
from tests.desk.people import ADDRESS, bounce, make_busy_person, person_url, refund, unsubscribe
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_order
from tests.pages import text

pytestmark = pytest.mark.django_db

TABS = ("orders", "licenses", "cases", "threads", "emails", "attempts")
MAX_QUERIES = 28


@pytest.fixture
def agent() -> Client:
    return signed_in(make_agent())


def tab_of(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_everything_of_an_address_is_shown_and_leads_to_its_page(agent: Client) -> None:
    [order] = make_busy_person()
    make_busy_person(address="other@example.com", name="Otto Other")
    page = agent.get(person_url()).content.decode()
    for shown in ("Ann Archer", "German", "ann@example.com", order.store.name, "Office (Windows)", "1 of 3"):
        assert shown in page
    rows: list[Any] = [order, *order.returns.all(), *order.withdrawals.all(), *order.swaps.all(), *order.threads.all()]
    rows += [line.license for line in order.licensed_lines.all()]
    rows += [Attempt.objects.get(subject=ADDRESS)]
    for row in rows:
        assert f'href="{reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])}"' in page
    assert "other@example.com" not in page


def test_money_is_summed_by_currency_as_in_the_ledger(agent: Client) -> None:
    status = Order.Status
    refund(make_order(store_email=ADDRESS), "10.00")
    make_order(store_email=ADDRESS, status=status.REFUNDED)  # whose store did not say how much
    make_order(store_email=ADDRESS, currency="JPY", total="8000")
    make_order(store_email=ADDRESS, currency="USD", total="50", status=status.CHARGED_BACK)
    for nothing_paid in ({"status": status.PENDING}, {"status": status.CANCELLED}, {"is_test": True}):
        make_order(store_email=ADDRESS, **nothing_paid)
    page = agent.get(person_url()).content.decode()
    assert "€159.90 paid, €89.95 refunded" in page
    assert "¥8,000 paid, ¥0 refunded" in page
    assert "$50.00 paid, $0.00 refunded, $50.00 charged back" in page


def test_bounces_and_opting_out_are_told(agent: Client) -> None:
    make_order(store_email=ADDRESS)
    page = agent.get(person_url()).content.decode()
    assert "not unsubscribed" in page
    bounce()
    unsubscribe()
    page = agent.get(person_url()).content.decode()
    assert "1, the last one on 20" in page
    assert "unsubscribed since 20" in page


def test_a_tab_has_at_most_fifty_rows_newest_first_and_leads_to_all(agent: Client) -> None:
    orders = make_busy_person(rows=52)
    page = agent.get(person_url()).content.decode()
    assert "Orders (50+)" in page
    shown = tab_of(page, "orders")
    assert shown.count("data-row") == 50
    assert shown.index(orders[51].number) < shown.index(orders[2].number)
    assert f">{orders[1].number}<" not in shown
    for name in TABS:
        full_list = re.search(rf'href="(/admin/desk/person/[^"]+/{name}/)"', page)
        assert full_list is not None
        assert agent.get(full_list[1]).status_code == 200
        second = agent.get(full_list[1], {"page": "2"}).content.decode()
        assert second.count("data-row") == {"cases": 50, "threads": 50}.get(name, 2)
    assert "data-row" not in agent.get(full_list[1], {"page": "900"}).content.decode()
    assert agent.get(full_list[1], {"page": "x"}).status_code == 404


def test_the_number_of_queries_is_fixed(agent: Client) -> None:
    make_busy_person(rows=1)
    counted = []
    for rows in (0, 20):
        make_busy_person(rows=rows)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert agent.get(person_url()).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1] <= MAX_QUERIES


def test_buttons_lead_to_the_thread_the_orders_and_the_correction(agent: Client) -> None:
    [order] = make_busy_person()
    make_order(number="Z-1", store_email="other@example.com")
    page = agent.get(person_url()).content.decode()
    newest = order.threads.latest("created_at", "pk")
    assert f'href="/admin/support/thread/{newest.pk}/change/">Open the newest thread' in page
    assert f'href="/admin/orders/order/{order.pk}/change/#correct"' in page
    link = re.search(r'href="(/admin/orders/order/\?q=[^"]+)"', page)
    assert link is not None
    listed = text(agent.get(link[1]))
    assert order.number in listed
    assert "Z-1" not in listed


def test_a_person_without_data_has_an_empty_page(agent: Client) -> None:
    assert agent.get(person_url("nobody@example.com")).status_code == 200


def test_the_key_of_a_person_finds_no_orders_if_it_is_made_up(agent: Client) -> None:
    make_order(number="Z-1", store_email="")
    for term in ("person:", "person:x", f"person:{make_person_key(ADDRESS)}"):
        assert "Z-1" not in text(agent.get("/admin/orders/order/", {"q": term}))
