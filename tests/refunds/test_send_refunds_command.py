"""The command `send_refunds`: its output and exit statuses."""

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


def make_approved_return(settings: Settings, gateway: str) -> Return:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    line = make_line(order)
    settings.STRIPE_SECRET_KEYS = {order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=order.store, gateway=gateway)
    PaymentReference.objects.create(order=order, reference="pi_1")
    case = returns.request_return(order, [returns.RequestedLine(line.pk, 1)], make_reason())
    returns.approve(case, make_agent())
    return case


def run_command(*arguments: str) -> tuple[int, str]:
    page_text = StringIO()
    try:
        call_command("send_refunds", *arguments, stdout=page_text, stderr=page_text)
    except SystemExit as end:
        return int(str(end.code)), page_text.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, page_text.getvalue()


def test_a_dry_run_lists_due_refunds_and_sends_nothing(server: StripeServer, settings: Settings) -> None:
    case = make_approved_return(settings, "stripe")
    status, page_text = run_command("--dry-run")
    assert status == 0
    assert case.reference in page_text
    assert not server.requests


def test_exit_status_is_0_if_all_refunds_were_sent(server: StripeServer, settings: Settings) -> None:
    make_approved_return(settings, "stripe")
    assert run_command()[0] == 0
    assert server.refunded("pi_1") == 7995
    assert run_command() == (0, "0 refunds completed, 0 declined, 0 unconfirmed (checked again later).\n")


def test_exit_status_is_1_if_a_refund_was_refused(server: StripeServer, settings: Settings) -> None:
    make_approved_return(settings, "stripe")
    server.paid.clear()
    assert run_command()[0] == 1


def test_manual_refunds_are_counted_but_not_sent(server: StripeServer, settings: Settings) -> None:
    make_approved_return(settings, "manual")
    status, page_text = run_command()
    assert status == 0
    assert "1 refunds must be made manually" in page_text
    assert not server.requests


def test_only_refunds_of_the_given_store_are_sent(server: StripeServer, settings: Settings) -> None:
    case = make_approved_return(settings, "stripe")
    other = make_order().store
    assert run_command("--store", other.slug)[0] == 0
    assert not server.requests
    assert run_command("--store", case.order.store.slug)[0] == 0
    assert server.refunds


def test_an_unknown_store_exits_with_2_and_lists_the_known_stores() -> None:
    slug = make_order().store.slug
    status, page_text = run_command("--store", "nobody")
    assert status == 2
    assert slug in page_text
