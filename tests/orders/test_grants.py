"""A grant belongs to one browser, covers only its own orders, and expires."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.utils import timezone

from orders.access import GRANT_LIFETIME, IDLE_TIMEOUT, end_access, find_by_card, find_by_number, granted_orders
from orders.models import Order
from orders.passwords import portal_password
from tests.factories import make_order
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order()


def test_without_a_grant_no_order_is_accessible(order: Order) -> None:
    assert not granted_orders(visit()).exists()


def test_the_session_key_changes_when_access_is_given(order: Order) -> None:
    planted = visit()
    planted.session["language"] = "de"
    planted.session.save()
    key_before = planted.session.session_key
    find_by_card(planted, "buyer@example.com", "4242")
    assert planted.session.session_key != key_before
    assert not granted_orders(visit(session_key=key_before)).exists()


def test_an_unknown_session_key_is_not_adopted(order: Order) -> None:
    request = visit(session_key="a" * 32)
    find_by_card(request, "buyer@example.com", "4242")
    request.session.save()
    assert request.session.session_key != "a" * 32


def test_signing_out_ends_the_access_on_the_server(order: Order) -> None:
    request = visit()
    find_by_card(request, "buyer@example.com", "4242")
    inside = again(request)
    key = inside.session.session_key
    end_access(inside)
    assert not granted_orders(visit(session_key=key)).exists()
    assert not Session.objects.filter(session_key=key).exists()


def test_signing_out_keeps_other_session_data(order: Order) -> None:
    request = visit()
    request.session["_auth_user_id"] = "1"
    find_by_card(request, "buyer@example.com", "4242")
    inside = again(request)
    end_access(inside)
    outside = again(inside)
    assert outside.session["_auth_user_id"] == "1"
    assert not granted_orders(outside).exists()


def test_access_ends_after_thirty_idle_minutes(order: Order) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        request = visit()
        find_by_card(request, "buyer@example.com", "4242")
        request = again(request)
    with time_machine.travel(now + IDLE_TIMEOUT - timedelta(seconds=1), tick=False):
        assert granted_orders(request).exists()
        request = again(request)
    with time_machine.travel(now + 2 * IDLE_TIMEOUT - timedelta(seconds=2), tick=False):
        assert granted_orders(request).exists()  # it was used in the meantime
        request = again(request)
    with time_machine.travel(now + 3 * IDLE_TIMEOUT, tick=False):
        assert not granted_orders(request).exists()


def test_access_ends_after_eight_hours_of_activity(order: Order) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        request = visit()
        find_by_card(request, "buyer@example.com", "4242")
    for minutes in range(0, int(GRANT_LIFETIME.total_seconds() // 60), 20):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            request = again(request)
            assert granted_orders(request).exists()
    with time_machine.travel(now + GRANT_LIFETIME, tick=False):
        assert not granted_orders(again(request)).exists()


def test_a_second_grant_keeps_the_first(order: Order) -> None:
    other = make_order(store_email="work@example.com")
    request = visit()
    find_by_card(request, "buyer@example.com", "4242")
    request = again(request)
    find_by_number(request, other.number, portal_password(other) or "")
    assert set(granted_orders(again(request))) == {order, other}


def test_the_session_is_not_written_with_every_page(order: Order) -> None:
    request = visit()
    find_by_card(request, "buyer@example.com", "4242")
    inside = again(request)
    granted_orders(inside)
    assert not inside.session.modified
