"""`send_refunds`: what it says, and what its exit status means."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from orders.models import PaymentReference
from refunds.models import Return, StoreGateway
from refunds.services import returns
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.refunds.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        server.paid["pi_1"] = 7995
        yield server


def approved(settings: Settings, gateway: str) -> Return:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    line = make_line(order)
    settings.STRIPE_SECRET_KEYS = {order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=order.store, gateway=gateway)
    PaymentReference.objects.create(order=order, reference="pi_1")
    case = returns.request_return(order, [returns.Wanted(line.pk, 1)], make_reason())
    returns.approve(case, make_agent())
    return case


def run(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("send_refunds", *arguments, stdout=said, stderr=said)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, said.getvalue()


def test_a_dry_run_names_what_is_due_and_sends_nothing(server: StripeServer, settings: Settings) -> None:
    case = approved(settings, "stripe")
    status, said = run("--dry-run")
    assert status == 0
    assert case.reference in said
    assert not server.requests


def test_all_sent_ends_with_0(server: StripeServer, settings: Settings) -> None:
    approved(settings, "stripe")
    assert run()[0] == 0
    assert server.refunded("pi_1") == 7995
    assert run() == (0, "0 refunds done, 0 refused, 0 unclear and asked again later.\n")


def test_something_refused_ends_with_1(server: StripeServer, settings: Settings) -> None:
    approved(settings, "stripe")
    server.paid.clear()
    assert run()[0] == 1


def test_what_people_make_is_counted_and_left_to_them(server: StripeServer, settings: Settings) -> None:
    approved(settings, "manual")
    status, said = run()
    assert status == 0
    assert "1 refunds wait to be made by hand" in said
    assert not server.requests


def test_only_one_store(server: StripeServer, settings: Settings) -> None:
    case = approved(settings, "stripe")
    other = make_order().store
    assert run("--store", other.slug)[0] == 0
    assert not server.requests
    assert run("--store", case.order.store.slug)[0] == 0
    assert server.refunds


def test_an_unknown_store_ends_with_2_and_the_known_ones() -> None:
    slug = make_order().store.slug
    status, said = run("--store", "nobody")
    assert status == 2
    assert slug in said
