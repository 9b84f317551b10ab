"""Refunds through Stripe, with a local server that behaves as documented by Stripe."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.models import Message
from orders.models import Order, PaymentReference
from refunds.gateways import stripe as gateway
from refunds.gateways.stripe_amounts import from_minor_units, to_minor_units
from refunds.models import RefundTransaction, Return, StoreGateway
from refunds.services import returns, transactions
from refunds.services.outstanding import list_outstanding
from refunds.services.sending import send_due
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.refunds.stripe_server import Failure, StripeServer, error

pytestmark = pytest.mark.django_db
Status = RefundTransaction.Status


@pytest.fixture
def server(settings: Settings) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        server.paid["pi_1"] = 7995
        yield server


@pytest.fixture
def case(server: StripeServer, settings: Settings) -> Return:
    """An approved return of the whole order."""
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    line = make_line(order)
    settings.STRIPE_SECRET_KEYS = {order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=order.store, gateway=StoreGateway.Gateway.STRIPE)
    PaymentReference.objects.create(order=order, reference="pi_1")
    PaymentReference.objects.create(order=order, reference="ch_1")
    case = returns.request_return(order, [returns.RequestedLine(line.pk, 1)], make_reason())
    returns.approve(case, make_agent())
    return case


def transaction_of(case: Return) -> RefundTransaction:
    return case.transactions.latest("pk")


def travel_forward(hours: float = 2) -> Any:
    return timezone.now() + timedelta(hours=hours)


def assert_refunded_once(case: Return, server: StripeServer) -> None:
    case.refresh_from_db()
    order = Order.objects.get(pk=case.order_id)
    assert server.refunded("pi_1") == 7995
    assert len(server.refunds) == 1
    assert case.status == Return.Status.REFUNDED
    assert order.status == Order.Status.REFUNDED
    assert [refund.amount for refund in order.refunds.all()] == [Decimal("79.950")]
    assert order.lines.get().quantity_returned == 1
    assert transaction_of(case).store_reference == server.refunds[0]["id"]
    assert Message.objects.filter(kind="return_refunded").count() == 1
    assert len(set(server.keys_sent)) == 1


def test_an_approved_refund_is_sent_once_with_its_idempotency_key(case: Return, server: StripeServer) -> None:
    assert send_due() == {"done": 1}
    assert send_due(travel_forward()) == {}
    assert_refunded_once(case, server)
    assert server.keys_sent == [str(transaction_of(case).idempotency_key)]


def test_the_secret_key_is_neither_stored_nor_logged(
    case: Return, server: StripeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.failures = [Failure(401, body=error("", "Invalid API Key provided: sk_test_secret"))]
    send_due()
    assert "sk_test" not in transaction_of(case).last_answer + caplog.text
    assert transaction_of(case).status == Status.UNCLEAR
    assert send_due(travel_forward()) == {"done": 1}


def test_a_pending_refund_is_not_reported_as_done(case: Return, server: StripeServer) -> None:
    server.status_of_new = "pending"
    assert send_due() == {"unclear": 1}
    assert not Message.objects.filter(kind="return_refunded").exists()
    server.refunds[0]["status"] = "succeeded"
    assert send_due(travel_forward()) == {"done": 1}
    assert_refunded_once(case, server)


def test_a_pending_refund_that_fails_is_refused(case: Return, server: StripeServer) -> None:
    server.status_of_new = "pending"
    send_due()
    server.refunds[0]["status"] = "failed"
    assert send_due(travel_forward()) == {"refused": 1}
    assert transaction_of(case).status == Status.REFUSED


@pytest.mark.parametrize(
    "failure",
    [
        Failure(after_refund=True),
        Failure(),
        Failure(500, after_refund=True, body=error("", "Sorry", "api_error")),
        Failure(429, body=error("rate_limit", "Too many")),
        Failure(409, body=error("idempotency_key_in_use", "In use", "idempotency_error")),
    ],
    ids=["no answer after doing it", "no answer before it", "500 after doing it", "429", "409"],
)
def test_after_an_unclear_response_the_refund_is_looked_up_and_made_once(
    case: Return, server: StripeServer, failure: Failure
) -> None:
    server.failures = [failure]
    assert send_due() == {"unclear": 1}
    assert send_due() == {}  # not before it is due
    assert send_due(travel_forward()) == {"done": 1}
    assert_refunded_once(case, server)


def test_after_a_timeout_the_refund_is_looked_up_later(
    case: Return, server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TIMEOUT", (1, 0.2))
    server.failures = [Failure(after_refund=True, delay=1)]
    assert send_due() == {"unclear": 1}
    monkeypatch.undo()
    assert send_due(travel_forward()) == {"done": 1}
    assert_refunded_once(case, server)


def test_stripe_repeats_a_500_until_it_forgets_the_key(case: Return, server: StripeServer) -> None:
    server.failures = [Failure(500, body=error("", "Sorry", "api_error"))]
    assert send_due() == {"unclear": 1}
    assert send_due(travel_forward()) == {"unclear": 1}
    server.forget_keys()
    assert send_due(travel_forward(30)) == {"done": 1}
    assert_refunded_once(case, server)


def test_after_the_key_is_forgotten_the_refund_is_found_by_its_metadata(case: Return, server: StripeServer) -> None:
    server.failures = [Failure(after_refund=True)]
    send_due()
    server.forget_keys()
    assert send_due(travel_forward(30)) == {"done": 1}
    assert_refunded_once(case, server)


def test_a_refund_of_a_payment_refunded_elsewhere_is_refused(case: Return, server: StripeServer) -> None:
    server.make_refund("pi_1", 7995)
    assert send_due() == {"refused": 1}
    case.refresh_from_db()
    assert case.status == Return.Status.APPROVED
    assert "Import" in transaction_of(case).last_answer


def test_a_declined_refund_can_be_retried_or_made_by_hand(case: Return, server: StripeServer) -> None:
    server.failures = [Failure(400, body=error("charge_disputed", "The charge is disputed."))]
    assert send_due() == {"refused": 1}
    refused = transaction_of(case)
    assert "disputed" in refused.last_answer
    assert send_due(travel_forward()) == {}
    again = transactions.retry(refused)
    assert again.idempotency_key != refused.idempotency_key
    with pytest.raises(transactions.NotPossible):
        transactions.retry(refused)
    assert send_due(travel_forward()) == {"done": 1}
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert server.refunded("pi_1") == 7995


def test_a_refused_refund_can_be_marked_as_made_by_hand(case: Return, server: StripeServer) -> None:
    server.failures = [Failure(400, body=error("charge_disputed", "The charge is disputed."))]
    send_due()
    transactions.mark_done(transaction_of(case), "SEPA 4711", make_agent())
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert not server.refunds


def test_an_unclear_refund_cannot_be_marked_as_made_by_hand(case: Return, server: StripeServer) -> None:
    server.failures = [Failure()]
    send_due()
    with pytest.raises(transactions.WrongStatus):
        transactions.mark_done(transaction_of(case), "SEPA 4711", make_agent())


@pytest.mark.parametrize("references", [[], ["pi_1", "pi_2"], ["paypal-77"]])
def test_without_one_known_payment_nothing_is_sent(case: Return, server: StripeServer, references: list[str]) -> None:
    case.order.payment_references.all().delete()
    for reference in references:
        PaymentReference.objects.create(order=case.order, reference=reference)
    assert send_due() == {"refused": 1}
    assert not server.requests


def test_without_a_secret_key_the_refund_is_refused_because_nothing_was_sent(
    case: Return, server: StripeServer, settings: Settings
) -> None:
    keys, settings.STRIPE_SECRET_KEYS = settings.STRIPE_SECRET_KEYS, {}
    assert send_due() == {"refused": 1}
    assert "STRIPE_SECRET_KEYS" in transaction_of(case).last_answer
    settings.STRIPE_SECRET_KEYS = keys
    transactions.retry(transaction_of(case))
    assert send_due() == {"done": 1}


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("9.99", "EUR", 999),
        ("500", "JPY", 500),
        ("1.230", "KWD", 1230),
        ("1234", "ISK", 123400),
        ("10", "UGX", 1000),
        ("7", "MGA", 7),
        ("0.01", "usd", 1),
    ],
)
def test_amounts_are_converted_to_stripes_smallest_units(amount: str, currency: str, units: int) -> None:
    assert to_minor_units(Decimal(amount), currency) == units
    assert from_minor_units(units, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("1.234", "KWD", 1230), ("0.009", "KWD", 0), ("0.5", "JPY", 0), ("1.50", "ISK", 100), ("1.001", "EUR", 100)],
)
def test_amounts_that_stripe_does_not_accept_are_rounded_down(amount: str, currency: str, units: int) -> None:
    assert to_minor_units(Decimal(amount), currency) == units


# --- The charge is compared before anything is sent -----------------------------------------------------------------


def make_approved_case(server: StripeServer, settings: Settings, total: str, currency: str, reference: str) -> Return:
    order = make_order(placed_at=timezone.now() - timedelta(days=1), total=Decimal(total), currency=currency)
    line = make_line(order, total=Decimal(total), tax=Decimal(0))
    settings.STRIPE_SECRET_KEYS = {order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=order.store, gateway=StoreGateway.Gateway.STRIPE)
    PaymentReference.objects.create(order=order, reference=reference)
    case = returns.request_return(order, [returns.RequestedLine(line.pk, 1)], make_reason())
    returns.approve(case, make_agent())
    return case


@pytest.mark.parametrize("reference", ["pi_yen", "ch_yen"])
@pytest.mark.parametrize("currency", ["EUR", "XXX"])
def test_a_refund_in_another_currency_than_the_charge_is_not_sent(
    server: StripeServer, settings: Settings, currency: str, reference: str
) -> None:
    """5,000 yen, whose currency was lost in a table, would be sent as 500,000."""
    server.paid[reference], server.currency = 5000, "jpy"
    case = make_approved_case(server, settings, "5000", currency, reference)
    assert send_due() == {"refused": 1}
    assert transaction_of(case).last_answer.startswith(
        f"currency_differs: The Stripe payment is in JPY, but this refund is in {currency}"
    )
    assert not server.refunds
    assert [row["reason"] for row in list_outstanding().blocked] == ["currency_differs"]
    transactions.mark_done(transaction_of(case), "B-1", make_agent())
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED


@pytest.mark.parametrize("reference", ["pi_yen", "ch_yen"])
def test_a_refund_in_the_currency_of_the_charge_is_sent(
    server: StripeServer, settings: Settings, reference: str
) -> None:
    server.paid[reference], server.currency = 5000, "jpy"
    make_approved_case(server, settings, "5000", "JPY", reference)
    assert send_due() == {"done": 1}
    assert server.refunded(reference) == 5000


def test_more_than_is_left_of_the_charge_is_not_sent(case: Return, server: StripeServer) -> None:
    server.make_refund("pi_1", 1000)
    assert send_due() == {"refused": 1}
    assert transaction_of(case).last_answer.startswith("nothing_left: Only €69.95 of the Stripe payment")
    assert server.refunded("pi_1") == 1000


def test_a_payment_that_failed_is_not_refunded(case: Return, server: StripeServer) -> None:
    server.paid["pi_1"] = 0
    assert send_due() == {"refused": 1}
    assert "no paid charge" in transaction_of(case).last_answer


def test_an_earlier_try_that_is_found_late_counts_as_the_refund(case: Return, server: StripeServer) -> None:
    """Stripe's list lacked our refund at first, but the charge has nothing left because of it."""
    transaction = transaction_of(case)
    server.make_refund("pi_1", 7995, {gateway.METADATA_KEY: str(transaction.idempotency_key)})
    assert send_due() == {"done": 1}
    assert_refund_is_recorded_as(case, "79.95")
    assert len(server.refunds) == 1


def test_kuwaiti_dinars_are_rounded_down_to_what_stripe_can_send(server: StripeServer, settings: Settings) -> None:
    server.paid["pi_kwd"], server.currency = 10000, "kwd"
    order = make_order(placed_at=timezone.now() - timedelta(days=1), total=Decimal(10), currency="KWD")
    line = make_line(order, quantity=3, total=Decimal(10), tax=Decimal(0))
    settings.STRIPE_SECRET_KEYS = {order.store.slug: "sk_test_secret"}
    StoreGateway.objects.create(store=order.store, gateway=StoreGateway.Gateway.STRIPE)
    PaymentReference.objects.create(order=order, reference="pi_kwd")
    case = returns.request_return(order, [returns.RequestedLine(line.pk, 1)], make_reason())
    returns.approve(case, make_agent())
    assert send_due() == {"done": 1}
    assert server.refunded("pi_kwd") == 3330
    assert_refund_is_recorded_as(case, "3.33")


def test_less_than_stripe_can_send_is_made_by_hand(server: StripeServer, settings: Settings) -> None:
    server.paid["pi_kwd"], server.currency = 10, "kwd"
    case = make_approved_case(server, settings, "0.009", "KWD", "pi_kwd")
    assert send_due() == {"refused": 1}
    assert "Stripe can’t refund less than KWD" in transaction_of(case).last_answer
    transactions.mark_done(transaction_of(case), "B-1", make_agent())
    assert_refund_is_recorded_as(case, "0.009")
    assert not server.refunds


def assert_refund_is_recorded_as(case: Return, amount: str) -> None:
    """The ledger, the case and its emails contain the amount that was actually sent."""
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert case.amount_approved == Decimal(amount)
    assert transaction_of(case).amount == Decimal(amount)
    assert case.order.refunds.get().amount == Decimal(amount)
