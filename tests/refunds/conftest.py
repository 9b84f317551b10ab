"""Fixtures of the refund tests."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from orders.models import PaymentReference
from refunds.models import RefundTransaction, Return, StoreGateway
from refunds.services import returns
from refunds.services.returns import RequestedLine
from refunds.services.sending import send_due
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.refunds.stripe_server import Failure, StripeServer, error
from tests.refunds.stuck_refunds import newest


@pytest.fixture
def stripe_server(settings: Settings) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        server.paid["pi_1"] = 7995
        yield server


@pytest.fixture
def agent() -> User:
    return make_agent(username="ada")


@pytest.fixture
def case(stripe_server: StripeServer, settings: Settings, agent: User) -> Return:
    """An approved return whose refund waits to be sent through Stripe."""
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    line = make_line(order)
    settings.STRIPE_SECRET_KEYS = {order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=order.store, gateway=StoreGateway.Gateway.STRIPE)
    PaymentReference.objects.create(order=order, reference="pi_1")
    case = returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason())
    returns.approve(case, agent)
    return case


@pytest.fixture
def refused(case: Return, stripe_server: StripeServer) -> RefundTransaction:
    stripe_server.failures = [Failure(400, body=error("", "No."))]
    assert send_due() == {"refused": 1}
    return newest(case)


@pytest.fixture
def unclear(case: Return, stripe_server: StripeServer) -> RefundTransaction:
    """The request never arrived."""
    stripe_server.failures = [Failure()]
    assert send_due() == {"unclear": 1}
    return newest(case)
