"""Refunds are made once, even if workers are killed or several people act simultaneously."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases import services
from cases.refusals import Refusal, WrongStatus
from orders.models import PaymentReference, Refund
from refunds.models import RefundTransaction, Return, ReturnEvent, StoreGateway
from refunds.services import recovery, returns, transactions
from refunds.services.sending import send_due
from tests.concurrency import run_concurrently
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.refunds.stripe_server import Failure, StripeServer, error

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE = 60  # seconds
WORKER = "import django; django.setup(); from refunds.services.sending import send_due; send_due()"


@pytest.fixture
def server(settings: Settings) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        server.paid["pi_1"] = 7995
        yield server


@pytest.fixture
def undecided() -> Return:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    line = make_line(order)
    return returns.request_return(order, [returns.RequestedLine(line.pk, 1)], make_reason())


@pytest.fixture
def case(undecided: Return, server: StripeServer, settings: Settings) -> Return:
    settings.STRIPE_SECRET_KEYS = {undecided.order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=undecided.order.store, gateway=StoreGateway.Gateway.STRIPE)
    PaymentReference.objects.create(order=undecided.order, reference="pi_1")
    returns.approve(undecided, make_agent())
    return undecided


def assert_refunded_once(case: Return, server: StripeServer) -> None:
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert len(server.refunds) == 1
    assert Refund.objects.filter(order=case.order).count() == 1
    assert case.events.filter(to_status=Return.Status.REFUNDED).count() == 1
    assert case.order.lines.get().quantity_returned == 1


def test_a_worker_killed_after_the_gateways_response_does_not_refund_twice(
    case: Return, server: StripeServer, settings: Settings
) -> None:
    refund_made = threading.Event()
    may_respond = threading.Event()
    server.on_refund = lambda: (refund_made.set(), may_respond.wait(DEADLINE))[0]
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "STRIPE_API_BASE": server.url,
        "STRIPE_SECRET_KEYS": f"{case.order.store.slug}=sk_test_secret",
        "TEST_DATABASE_NAME": str(database["NAME"]),
    }
    script = WORKER.replace(
        "django.setup();",
        "from django.conf import settings as s; import os;"
        " s.DATABASES['default']['NAME'] = os.environ['TEST_DATABASE_NAME']; django.setup();",
    )
    worker = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment)
    assert refund_made.wait(DEADLINE)
    worker.send_signal(signal.SIGKILL)
    worker.wait(DEADLINE)
    may_respond.set()
    server.on_refund = lambda: None

    transaction = case.transactions.get()
    assert (transaction.status, transaction.tries) == (RefundTransaction.Status.UNCLEAR, 1)
    assert send_due() == {}  # the lease of the killed worker is still valid
    assert send_due(timezone.now() + timedelta(minutes=5)) == {"done": 1}
    assert_refunded_once(case, server)


def test_two_concurrent_workers_send_each_refund_once(case: Return, server: StripeServer) -> None:
    results = run_concurrently([send_due] * 4)
    assert sum(result["done"] for result in results) == 1
    assert_refunded_once(case, server)
    assert len(server.keys_sent) == 1


def test_of_two_concurrent_decisions_on_a_return_one_is_refused(undecided: Return) -> None:
    first, second = make_agent(), make_agent()
    results = run_concurrently(
        [
            lambda: returns.approve(undecided, first),
            lambda: services.decline(undecided, second, "Too late."),
            lambda: returns.approve(undecided, second),
        ]
    )
    assert sum(isinstance(result, WrongStatus) for result in results) == 2
    assert undecided.events.exclude(from_status="").count() == 1
    assert RefundTransaction.objects.count() <= 1


def test_two_agents_marking_a_refund_concurrently_record_it_once(undecided: Return) -> None:
    agents = make_agent(), make_agent()
    returns.approve(undecided, agents[0])
    transaction = undecided.transactions.get()
    results = run_concurrently([lambda by=by: transactions.mark_done(transaction, f"BO-{by.pk}", by) for by in agents])
    assert sum(isinstance(result, WrongStatus) for result in results) == 1
    assert Refund.objects.count() == 1
    assert ReturnEvent.objects.filter(to_status=Return.Status.REFUNDED).count() == 1


def test_an_approval_taken_back_while_a_worker_sends_is_either_refunded_or_declined(
    case: Return, server: StripeServer
) -> None:
    agent = make_agent()
    run_concurrently([send_due, lambda: recovery.take_back_approval(case, agent, "No.")])
    case.refresh_from_db()
    if case.status == Return.Status.DECLINED:
        assert not server.refunds
        assert case.transactions.get().status == RefundTransaction.Status.CANCELLED
    else:
        assert_refunded_once(case, server)


def test_of_two_ways_out_of_a_refused_refund_at_once_one_is_taken(case: Return, server: StripeServer) -> None:
    server.failures = [Failure(400, body=error("", "No."))]
    assert send_due() == {"refused": 1}
    refused, agent = case.transactions.get(), make_agent()
    results = run_concurrently(
        [
            lambda: recovery.retry(refused, agent),
            lambda: recovery.make_by_hand(refused, agent),
            lambda: recovery.mark_done(refused, "BO-1", agent),
        ]
    )
    assert sum(isinstance(result, Refusal) for result in results) == 2
    assert case.transactions.exclude(pk=refused.pk).count() == 1


def test_a_refund_that_is_looked_up_and_sent_at_once_is_recorded_once(case: Return, server: StripeServer) -> None:
    server.failures = [Failure(after_refund=True)]
    assert send_due() == {"unclear": 1}
    unclear, agent = case.transactions.get(), make_agent()
    run_concurrently(
        [
            lambda: send_due(timezone.now() + timedelta(hours=2)),
            lambda: recovery.look_up(unclear, agent),
            lambda: recovery.mark_done(unclear, str(server.refunds[0]["id"]), agent),
        ]
    )
    assert_refunded_once(case, server)


@pytest.mark.parametrize("reference", ["", "   ", "x" * 101, "4242 4242 4242 4242", "a\x00b"])
def test_a_refund_by_hand_needs_a_usable_reference(undecided: Return, reference: str) -> None:
    returns.approve(undecided, make_agent())
    with pytest.raises(transactions.NotPossible):
        transactions.mark_done(undecided.transactions.get(), reference, make_agent())
    undecided.refresh_from_db()
    assert undecided.status == Return.Status.APPROVED
