"""Attempts after a limit is used up don't fill the table of attempts."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from orders.access import CLIENT_RATE, SUBJECT_RATE, Outcome, find_by_card, open_link, request_link
from orders.models import Attempt
from tests.factories import make_agent, make_order
from tests.visitors import visit

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def rows(outcome: Outcome) -> list[tuple[int, str, str]]:
    return list(Attempt.objects.filter(outcome=outcome).order_by("pk").values_list("tries", "subject", "client"))


def test_a_blocked_client_has_one_row_per_method_and_quarter_of_an_hour() -> None:
    for minute in (0, 15):
        with time_machine.travel(NOON + timedelta(minutes=minute), tick=False):
            for index in range(CLIENT_RATE.short + 40):
                find_by_card(visit(), f"person{index}@example.com", "0000")
                request_link(visit(), f"person{index}@example.com")
    blocked = rows(Outcome.CLIENT_BLOCKED)
    assert [tries for tries, _subject, _client in blocked] == [40] * 4
    assert {client for _tries, _subject, client in blocked} == {"192.0.2.1"}
    assert {subject for _tries, subject, _client in blocked} == {""}  # they differed
    evaluated = Attempt.objects.filter(outcome__in=[Outcome.REFUSED, Outcome.FOUND])
    assert evaluated.count() == 4 * CLIENT_RATE.short


def test_a_limited_subject_has_one_row_for_all_clients() -> None:
    make_order()
    with time_machine.travel(NOON, tick=False):
        for index in range(SUBJECT_RATE.short + 20):
            find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000")
            find_by_card(visit(f"198.51.100.{index}"), "nobody@example.com", "0000")
    assert rows(Outcome.RATE_LIMITED) == [(20, "buyer@example.com", ""), (20, "nobody@example.com", "")]


def test_one_client_alone_stays_named() -> None:
    with time_machine.travel(NOON, tick=False):
        for _index in range(SUBJECT_RATE.short + 3):
            find_by_card(visit("192.0.2.9"), "buyer@example.com", "0000")
    assert rows(Outcome.RATE_LIMITED) == [(3, "buyer@example.com", "192.0.2.9")]


def test_invalid_links_have_one_row_per_client() -> None:
    with time_machine.travel(NOON, tick=False):
        for index in range(50):
            open_link(visit("192.0.2.9"), f"{index}.x")
    assert rows(Outcome.REFUSED) == [(50, "", "192.0.2.9")]


def test_tries_that_were_evaluated_keep_their_own_rows() -> None:
    make_order()
    with time_machine.travel(NOON, tick=False):
        for _index in range(3):
            find_by_card(visit(), "buyer@example.com", "4242")
            find_by_card(visit(), "buyer@example.com", "0000")
    assert [tries for tries, _subject, _client in rows(Outcome.REFUSED) + rows(Outcome.FOUND)] == [1] * 6


def test_staff_see_how_many_there_were(client: Client) -> None:
    order = make_order()
    agent = make_agent()
    agent.is_superuser = True
    agent.save()
    client.force_login(agent)
    with time_machine.travel(NOON, tick=False):
        for index in range(SUBJECT_RATE.short + 20):
            find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000")
    page = client.get(f"/admin/orders/order/{order.pk}/change/?tab=timeline").content.decode()
    assert "refused without a check: too many attempts (× 20)" in page
