"""An emailed link works once, within an hour. Requesting one does not reveal whether there are orders."""

from datetime import timedelta

import pytest
import time_machine
from django.http import HttpRequest
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.models import Message
from orders.access import (
    CLIENT_RATE,
    LINK_RATE,
    LinkResult,
    Outcome,
    check_link,
    find_by_card,
    granted_orders,
    open_link,
    renew_link,
    request_link,
)
from orders.models import AccessLink, Attempt, LinkState, Order
from orders.rate_limits import SHORT_WINDOW
from tests.factories import make_order
from tests.orders.mailboxes import mailboxes
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order(card_last4="", payment_method="paypal")


def request_token(email: str = "buyer@example.com") -> str:
    """Request a link, and return the token that its email contains."""
    request_link(visit(), email)
    return AccessLink.objects.latest("pk").make_token()


def open_result(request: HttpRequest, token: str) -> LinkResult:
    return open_link(request, token).result


def test_a_link_opens_all_orders_of_its_address(order: Order) -> None:
    other = make_order(store_email="BUYER@example.com")
    make_order(store_email="stranger@example.com")
    request = visit()
    assert open_result(request, request_token()) == LinkResult.OPENED
    assert set(granted_orders(again(request))) == {order, other}


def test_a_link_works_once(order: Order) -> None:
    token = request_token()
    assert open_result(visit(), token) == LinkResult.OPENED
    assert open_result(visit(), token) == LinkResult.USED_OR_EXPIRED


def test_a_second_click_in_the_same_browser_is_accepted(order: Order) -> None:
    token = request_token()
    request = visit()
    open_link(request, token)
    assert open_result(again(request), token) == LinkResult.OPENED


def test_checking_a_link_does_not_use_it_up(order: Order) -> None:
    token = request_token()
    assert [check_link(token) for _scanner in range(5)] == [LinkState.VALID] * 5
    assert open_result(visit(), token) == LinkResult.OPENED
    assert check_link(token) == LinkState.USED_OR_EXPIRED


def test_a_link_whose_email_waited_for_the_mail_server_is_valid_for_an_hour(order: Order, settings: Settings) -> None:
    with mailboxes(settings) as mail:
        mail.go_down()
        request_link(visit(), "buyer@example.com")
        mail.wait(hours=5)
        mail.come_back()
        mail.wait(hours=2)
        (path,) = mail.links_to("buyer@example.com", "/access/")
        assert check_link(path.split("/")[2]) == LinkState.VALID


def test_the_lifetime_begins_when_the_email_is_first_sent(order: Order) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        request_link(visit(), "buyer@example.com")
    with time_machine.travel(now + timedelta(hours=5), tick=False):
        token = AccessLink.objects.get().make_token()
    with time_machine.travel(now + timedelta(hours=5, minutes=30), tick=False):
        assert AccessLink.objects.get().make_token() == token  # a retry of the same email
    with time_machine.travel(now + timedelta(hours=5, minutes=59, seconds=59), tick=False):
        assert check_link(token) == LinkState.VALID
    with time_machine.travel(now + timedelta(hours=6), tick=False):
        assert check_link(token) == LinkState.USED_OR_EXPIRED
        assert open_result(visit(), token) == LinkResult.USED_OR_EXPIRED


def test_an_expired_link_is_renewed_to_the_same_address_only(order: Order) -> None:
    token = request_token()
    open_link(visit(), token)
    assert renew_link(visit(), token).outcome == Outcome.FOUND
    assert AccessLink.objects.latest("pk").email_key == "buyer@example.com"
    assert Message.objects.filter(kind="access_link").count() == 2


def test_a_token_with_any_character_changed_is_invalid(order: Order) -> None:
    token = request_token()
    for position, character in enumerate(token):
        changed = token[:position] + ("A" if character != "A" else "B") + token[position + 1 :]
        assert open_result(visit(), changed) == LinkResult.INVALID
    assert check_link(token) == LinkState.VALID


@pytest.mark.parametrize("token", ["", "x", "1", "1.", ".", "\x00", "🔑", "9" * 400, "1.x" * 1000])
def test_a_malformed_token_is_invalid(token: str) -> None:
    assert check_link(token) == LinkState.INVALID
    assert open_result(visit(), token) == LinkResult.INVALID
    assert renew_link(visit(), token).outcome == Outcome.REFUSED


def test_a_link_that_was_never_sent_cannot_be_opened(order: Order) -> None:
    request_link(visit(), "buyer@example.com")
    link = AccessLink.objects.get()
    sent_elsewhere = AccessLink.objects.create(email_key="x@example.com").make_token()
    assert open_result(visit(), f"{link.pk}.{sent_elsewhere.partition('.')[2]}") == LinkResult.INVALID


def test_known_and_unknown_addresses_get_the_same_result_with_the_same_queries(
    order: Order,
    django_assert_num_queries,
) -> None:
    for address in ("buyer@example.com", "nobody@example.com"):
        with django_assert_num_queries(5):
            assert request_link(visit(), address).outcome == Outcome.FOUND


@pytest.mark.parametrize("address", ["buyer@example.com", "nobody@example.com"])
def test_the_number_of_links_per_address_is_limited_and_says_until_when(order: Order, address: str) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        for index in range(LINK_RATE.short):
            assert request_link(visit(f"192.0.2.{index}"), address).outcome == Outcome.FOUND
        refused = request_link(visit("192.0.2.99"), address)
    assert (refused.outcome, refused.retry_at) == (Outcome.RATE_LIMITED, now + SHORT_WINDOW)
    assert Message.objects.filter(recipient=address).count() == LINK_RATE.short


def test_a_client_that_requests_links_for_many_addresses_is_blocked(order: Order) -> None:
    for index in range(CLIENT_RATE.short):
        request_link(visit(), f"person{index}@example.com")
    assert request_link(visit(), "buyer@example.com").outcome == Outcome.CLIENT_BLOCKED


def test_a_link_opens_the_orders_while_the_client_is_blocked_for_cards() -> None:
    order = make_order()
    for index in range(CLIENT_RATE.short + 5):
        find_by_card(visit(), "buyer@example.com", f"{index:04}")
    request = visit()
    assert open_result(request, request_token()) == LinkResult.OPENED
    assert list(granted_orders(again(request))) == [order]


def test_attempts_with_links_are_recorded_without_the_token(order: Order) -> None:
    token = request_token()
    open_link(visit(), token)
    open_link(visit(), token + "x")
    assert list(Attempt.objects.order_by("id").values_list("method", "outcome")) == [
        ("link_request", "found"),
        ("link", "found"),
        ("link", "refused"),
    ]
    assert not any(token in str(vars(row)) for row in Attempt.objects.all())
