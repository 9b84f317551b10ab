"""Refunds through Stripe's own library.

This module relies on the following (https://docs.stripe.com/api/idempotent_requests,
https://docs.stripe.com/api/refunds):

- A request repeated with its idempotency key within 24 hours gets the first response again, even if that was a 500.
  Responses 409 and 429 are not stored.
- After 24 hours, Stripe may forget the key. Before repeating a request, the portal therefore looks for its refund among
  those of the payment, by its metadata. The request is only repeated if there is none.
- A refund that is `pending` has been accepted, but can still fail.
- A refund has no currency: its amount is in the currency of the charge. The charge is therefore compared with the
  transaction before anything is sent. Otherwise, 5,000 yen could be sent as 500,000.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import stripe
from django.conf import settings
from django.utils.translation import gettext as _
from stripe.params import PaymentIntentRetrieveParams, RefundCreateParams, RefundListParams

from orders.models import Store
from orders.money import format_money
from refunds.gateways.results import GatewayResult, RefundDone, RefundNotFound, RefundRefused, RefundUnclear
from refunds.gateways.stripe_amounts import from_minor_units, smallest_amount, to_minor_units
from refunds.ledger import BlockReason
from refunds.models import RefundTransaction

TIMEOUT = (5, 15)  # seconds: connecting, and waiting for the next bytes of a response
METADATA_KEY = "find_my_order_refund"
PAGE_SIZE = 100  # refunds
MAX_MESSAGE_LENGTH = 300  # characters of a Stripe error message that are stored

PaymentParam = dict[str, str]


class PaymentNotFound(Exception):
    """The order has no Stripe payment, or several; `str()` returns what staff can do."""


class StripeGateway:
    """See refunds/gateways/results.py for the interface."""

    def is_configured(self, store: Store) -> bool:
        return bool(_secret_key(store))

    def send(self, transaction: RefundTransaction) -> GatewayResult:
        store = transaction.order.store
        secret_key = _secret_key(store)
        if not secret_key:
            return RefundRefused(
                _("The store “%(store)s” has no secret key. Add it to STRIPE_SECRET_KEYS. Nothing was sent.")
                % {"store": store.slug}
            )
        try:
            payment = find_payment(transaction)
            charge = _load_charge(secret_key, payment)
        except PaymentNotFound as error:
            return RefundRefused(str(error))
        except stripe.StripeError as error:
            return _result_from_error(error)
        units = to_minor_units(transaction.amount, transaction.currency)
        if refusal := _check_charge(charge, transaction, units):
            # If an earlier attempt was successful after all, the charge has less left than this attempt needs.
            found = self.look_up(transaction)
            return refusal if isinstance(found, RefundNotFound) else found
        try:
            refund = _client(secret_key).v1.refunds.create(
                cast(
                    RefundCreateParams,
                    {**payment, "amount": units, "metadata": {METADATA_KEY: str(transaction.idempotency_key)}},
                ),
                {"idempotency_key": str(transaction.idempotency_key)},
            )
        except stripe.StripeError as error:
            if error.code == "charge_already_refunded":
                return self._already_refunded(transaction)
            return _result_from_error(error)
        return _result_from_refund(refund)

    def look_up(self, transaction: RefundTransaction) -> GatewayResult | RefundNotFound:
        store = transaction.order.store
        secret_key = _secret_key(store)
        if not secret_key:
            return RefundUnclear(
                _(
                    "The store “%(store)s” has no secret key, so the refund wasn’t checked. Add it to "
                    "STRIPE_SECRET_KEYS."
                )
                % {"store": store.slug}
            )
        try:
            for refund in _list_refunds(secret_key, find_payment(transaction)):
                if _idempotency_key(refund) == str(transaction.idempotency_key):
                    return _result_from_refund(refund)
        except PaymentNotFound as error:
            return RefundUnclear(str(error))
        except stripe.StripeError as error:
            return RefundUnclear(_error_message(error))  # a failed lookup says nothing about the refund
        return RefundNotFound()

    def _already_refunded(self, transaction: RefundTransaction) -> GatewayResult:
        result = self.look_up(transaction)
        return _nothing_left() if isinstance(result, RefundNotFound) else result


def find_payment(transaction: RefundTransaction) -> PaymentParam:
    """Return the payment of the order, as a parameter for Stripe's API. Raises PaymentNotFound."""
    references = set(transaction.order.payment_references.values_list("reference", flat=True))
    intents = sorted(name for name in references if name.startswith("pi_"))
    charges = sorted(name for name in references if name.startswith(("ch_", "py_")))
    found = intents or charges
    if not found:
        raise PaymentNotFound(
            _(
                "No Stripe payment is recorded for this order. Import the store’s payments and try again, or "
                "refund manually."
            )
        )
    if len(found) > 1:
        raise PaymentNotFound(
            _("Several Stripe payments are recorded for this order (%(names)s). Refund the right one manually.")
            % {"names": ", ".join(found)}
        )
    return {"payment_intent": found[0]} if intents else {"charge": found[0]}


@dataclass(frozen=True)
class Charge:
    """The amount of a payment that can still be refunded, in Stripe's smallest units of its currency."""

    currency: str
    refundable: int

    @property
    def refundable_amount(self) -> Decimal:
        return from_minor_units(self.refundable, self.currency)


def _load_charge(secret_key: str, payment: PaymentParam) -> Charge:
    """Return the charge of a payment. Raises stripe.StripeError, or PaymentNotFound if nothing was paid."""
    client = _client(secret_key).v1
    charge: Any
    if intent := payment.get("payment_intent"):
        params = cast(PaymentIntentRetrieveParams, {"expand": ["latest_charge"]})
        charge = client.payment_intents.retrieve(intent, params).latest_charge
    else:
        charge = client.charges.retrieve(payment["charge"])
    if charge is None or not charge.amount_captured:
        raise PaymentNotFound(_("Stripe has no paid charge for this payment. Nothing was sent."))
    return Charge(charge.currency.upper(), charge.amount_captured - charge.amount_refunded)


def _check_charge(charge: Charge, transaction: RefundTransaction, units: int) -> RefundRefused | None:
    """Return why this refund must not be sent for the charge, or None."""
    if charge.currency != transaction.currency.upper():
        sentence = _(
            "The Stripe payment is in %(charged)s, but this refund is in %(currency)s. Nothing was sent. Correct "
            "the order’s currency, or refund manually."
        )
        values = {"charged": charge.currency, "currency": transaction.currency}
        return RefundRefused(f"{BlockReason.CURRENCY_DIFFERS}: {sentence % values}")
    if not units:
        sentence = _("Stripe can’t refund less than %(smallest)s. Nothing was sent. Refund it manually.")
        return RefundRefused(sentence % {"smallest": format_money(smallest_amount(charge.currency), charge.currency)})
    if charge.refundable <= 0:
        return _nothing_left()
    if units > charge.refundable:
        sentence = _(
            "Only %(left)s of the Stripe payment can still be refunded. Nothing was sent. Import the store’s "
            "refunds, or refund manually."
        )
        values = {"left": format_money(charge.refundable_amount, charge.currency)}
        return RefundRefused(f"{BlockReason.NOTHING_LEFT}: {sentence % values}")
    return None


def _nothing_left() -> RefundRefused:
    sentence = _("The full payment was already refunded outside this portal. Import the store’s refunds.")
    return RefundRefused(f"{BlockReason.NOTHING_LEFT}: {sentence}")


def _secret_key(store: Store) -> str:
    return str(settings.STRIPE_SECRET_KEYS.get(store.slug, ""))


def _client(secret_key: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": settings.STRIPE_API_BASE},
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=0,  # RefundTransaction.next_try_at says when to try again
    )


def _list_refunds(secret_key: str, payment: PaymentParam) -> Iterator[stripe.Refund]:
    listed = _client(secret_key).v1.refunds.list(cast(RefundListParams, {**payment, "limit": PAGE_SIZE}))
    return iter(listed.auto_paging_iter())


def _idempotency_key(refund: stripe.Refund) -> str:
    metadata = refund.metadata.to_dict() if refund.metadata else {}
    return str(metadata.get(METADATA_KEY, ""))


def _result_from_refund(refund: stripe.Refund) -> GatewayResult:
    """Refunds that complete immediately have the status None."""
    if refund.status in ("succeeded", None):
        return RefundDone(refund.id, from_minor_units(refund.amount, refund.currency))
    if refund.status in ("failed", "canceled"):
        reason = getattr(refund, "failure_reason", None) or refund.status
        return RefundRefused(
            _("Stripe couldn’t complete the refund (%(refund)s: %(reason)s).") % {"refund": refund.id, "reason": reason}
        )
    return RefundUnclear(
        _("Stripe accepted the refund but hasn’t completed it (%(refund)s: %(status)s).")
        % {"refund": refund.id, "status": refund.status}
    )


def _result_from_error(error: stripe.StripeError) -> RefundRefused | RefundUnclear:
    """Convert an error. Only errors about this request itself are final; all others may not occur again."""
    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        return RefundRefused(_error_message(error))
    return RefundUnclear(_error_message(error))


def _error_message(error: stripe.StripeError) -> str:
    if isinstance(error, stripe.AuthenticationError):  # Stripe's message contains part of the key
        return _("Stripe rejected this store’s secret key. Correct STRIPE_SECRET_KEYS.")
    message = " ".join(str(error.user_message or "").split())[:MAX_MESSAGE_LENGTH]
    return f"{error.http_status or ''} {error.code or type(error).__name__}: {message}".strip(" :")
