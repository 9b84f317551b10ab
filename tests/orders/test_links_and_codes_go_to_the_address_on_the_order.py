"""A link or a code goes to the address on the order, regardless of how it was typed."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.delivery import deliver_due
from orders.access import (
    LINK_RATE,
    SUBJECT_RATE,
    Outcome,
    enter_code,
    find_by_card,
    granted_orders,
    needs_code,
    open_link,
    renew_link,
    request_link,
    send_code,
)
from orders.lookup_codes import code_digits
from orders.models import AccessLink, LookupCode, Order
from tests.factories import make_order, make_store
from tests.smtp import MailServer
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db

ON_THE_ORDER = "Buyer@bücher.example"
SPELLINGS = [
    "buyer@bücher.example",
    " BUYER@bücher.EXAMPLE ",
    "buyer@xn--bcher-kva.example",
    "Buyer@XN--BCHER-KVA.example",
    "Buyer@bu\u0308cher.example",
]
LOOK_ALIKES = ["buyer@bücher\u200b.example", "ｂuyer@bücher.example", "buyer@bücher．example", "buyer@bücher.exampłe"]


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def order() -> Order:
    return make_order(store_email=ON_THE_ORDER, store=make_store(confirm_card_lookup="always"))


def delivered(mail_server: MailServer) -> list[str]:
    deliver_due()
    return [str(email["To"]) for email in mail_server.emails]


@pytest.mark.parametrize("typed", SPELLINGS)
def test_every_spelling_leads_to_the_address_on_the_order(order: Order, mail_server: MailServer, typed: str) -> None:
    assert request_link(visit(), typed).outcome == Outcome.FOUND
    assert find_by_card(visit(), typed, "4242").orders == [order]  # this store asks for a code
    assert delivered(mail_server) == ["Buyer@xn--bcher-kva.example"] * 2


@pytest.mark.parametrize("typed", LOOK_ALIKES)
def test_a_look_alike_gets_nothing(order: Order, mail_server: MailServer, typed: str) -> None:
    assert request_link(visit(), typed).outcome == Outcome.FOUND  # the same as for an unknown address
    assert find_by_card(visit(), typed, "4242").outcome == Outcome.REFUSED
    assert delivered(mail_server) == []


def test_all_spellings_share_the_limits_of_lookups_links_and_codes(order: Order) -> None:
    for index in range(LINK_RATE.short):
        assert request_link(visit(f"192.0.2.{index}"), SPELLINGS[index % len(SPELLINGS)]).outcome == Outcome.FOUND
        assert find_by_card(visit(f"192.0.2.{index}"), SPELLINGS[index % len(SPELLINGS)], "4242").orders
    for typed in SPELLINGS:
        assert request_link(visit("198.51.100.1"), typed).outcome == Outcome.RATE_LIMITED
    assert LookupCode.objects.count() == LINK_RATE.short
    request = visit("198.51.100.1")
    find_by_card(request, ON_THE_ORDER, "4242")
    assert send_code(again(request), order).outcome == Outcome.RATE_LIMITED
    for index in range(SUBJECT_RATE.short):
        find_by_card(visit(f"192.0.2.{index}"), SPELLINGS[index % len(SPELLINGS)], "0000")
    for typed in SPELLINGS:
        assert find_by_card(visit("198.51.100.1"), typed, "4242").outcome == Outcome.RATE_LIMITED


def test_of_orders_with_several_spellings_the_newest_one_counts(mail_server: MailServer) -> None:
    now = timezone.now()
    make_order(store_email="BUYER@example.com", placed_at=now - timedelta(days=2))
    make_order(store_email="Buyer@example.com", placed_at=now)
    make_order(store_email="buyer@example.com", placed_at=now - timedelta(days=1))
    request_link(visit(), "bUYER@example.com")
    assert delivered(mail_server) == ["Buyer@example.com"]


def test_a_link_that_waits_goes_to_the_address_that_the_order_has_by_then(mail_server: MailServer) -> None:
    order = make_order(store_email="old@example.com")
    request_link(visit(), "old@example.com")
    order.contact_email = "new@example.com"
    order.save()
    assert delivered(mail_server) == []  # it no longer opens anything


def test_a_renewed_link_goes_to_the_address_on_the_order(order: Order, mail_server: MailServer) -> None:
    request_link(visit(), SPELLINGS[1])
    assert delivered(mail_server) == ["Buyer@xn--bcher-kva.example"]
    token = AccessLink.objects.get().make_token()
    request = visit()
    open_link(request, token)
    assert list(granted_orders(again(request))) == [order]
    renew_link(visit(), token)
    assert delivered(mail_server) == ["Buyer@xn--bcher-kva.example"] * 2


def test_what_was_typed_is_not_stored() -> None:
    request_link(visit(), "  NoBody@Example.com ")
    assert AccessLink.objects.get().email_key == "nobody@example.com"


def test_a_code_for_an_address_that_the_order_no_longer_has_is_neither_sent_nor_accepted(
    order: Order, mail_server: MailServer
) -> None:
    other = make_order(store_email=ON_THE_ORDER, store=order.store, placed_at=order.placed_at - timedelta(days=1))
    request = visit()
    assert find_by_card(request, ON_THE_ORDER, "4242").orders == [order, other]
    digits = code_digits(LookupCode.objects.get())
    order.contact_email = "thief@example.com"
    order.save()
    assert delivered(mail_server) == []
    request = again(request)
    assert enter_code(request, order, digits).outcome == Outcome.REFUSED
    # A new code goes to the new address, and opens only this order.
    send_code(request, order)
    assert delivered(mail_server) == ["thief@example.com"]
    assert enter_code(request, order, code_digits(LookupCode.objects.latest("pk"))).outcome == Outcome.FOUND
    assert not needs_code(request, order)
    assert needs_code(request, other)
