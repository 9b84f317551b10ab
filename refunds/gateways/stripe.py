"""Refunds through Stripe, by its own library.

What is relied on (https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/api/refunds):
- A request repeated with its idempotency key within 24 hours is answered as the first was, also when that
  answer was a 500. Answers 409 and 429 are not kept.
- After that the key may be forgotten. So an earlier try is always looked for among the payment's refunds,
  by our metadata, before it is repeated: a repetition is only ever sent where no refund of ours is seen.
- A refund that is `pending` has been taken; it can still fail.
"""

from collections.abc import Iterator
from typing import cast

import stripe
from django.conf import settings
from django.utils.translation import gettext as _
from stripe.params import RefundCreateParams, RefundListParams

from refunds.gateways.amounts import NotPayable, smallest_units
from refunds.gateways.answers import Answer, Done, Refused, Unclear, Unknown
from refunds.models import RefundTransaction

TIMEOUT = (5, 15)  # seconds to connect, and between two bytes of an answer
METADATA_KEY = "find_my_order_refund"
PAGE = 100  # refunds a listing
LONGEST_ANSWER = 300  # characters of Stripe's own words that are kept

Param = dict[str, str]


class NoPayment(Exception):
    """It is not known which of Stripe's payments paid an order; `str()` of it says what to do."""


class StripeGateway:
    """See refunds/gateways/answers.py for what each function does."""

    def send(self, transaction: RefundTransaction) -> Answer:
        key = _key_of(transaction)
        if not key:
            return _no_key(transaction)
        try:
            payment = payment_of(transaction)
            amount = smallest_units(transaction.amount, transaction.currency)
        except NoPayment as why:
            return Refused(str(why))
        except NotPayable as step:
            return Refused(_("Stripe takes amounts of this currency in steps of %(step)s only.") % {"step": step})
        try:
            refund = _client(key).v1.refunds.create(
                cast(
                    RefundCreateParams,
                    {**payment, "amount": amount, "metadata": {METADATA_KEY: str(transaction.idempotency_key)}},
                ),
                {"idempotency_key": str(transaction.idempotency_key)},
            )
        except stripe.StripeError as error:
            if error.code == "charge_already_refunded":
                return self._already_refunded(transaction)
            return _judge_error(error)
        return _judge_refund(refund)

    def ask(self, transaction: RefundTransaction) -> Answer | Unknown:
        key = _key_of(transaction)
        if not key:
            return _no_key(transaction)
        try:
            for refund in _refunds_of(key, payment_of(transaction)):
                if _key_in(refund) == str(transaction.idempotency_key):
                    return _judge_refund(refund)
        except NoPayment as why:
            return Unclear(str(why))
        except stripe.StripeError as error:
            return Unclear(_words_of(error))  # that it cannot be looked up says nothing about it
        return Unknown()

    def _already_refunded(self, transaction: RefundTransaction) -> Answer:
        found = self.ask(transaction)
        if isinstance(found, Unknown):
            return Refused(
                _("The whole payment went back already, and not through this portal. Import the store's refunds.")
            )
        return found


def payment_of(transaction: RefundTransaction) -> Param:
    """The payment that the order was paid with, as a parameter of Stripe's. Raises NoPayment."""
    names = set(transaction.order.payment_references.values_list("reference", flat=True))
    intents = sorted(name for name in names if name.startswith("pi_"))
    charges = sorted(name for name in names if name.startswith(("ch_", "py_")))
    found = intents or charges
    if not found:
        raise NoPayment(
            _("No Stripe payment of this order is known. Import the store's payments and retry, or refund by hand.")
        )
    if len(found) > 1:
        raise NoPayment(
            _("Several Stripe payments of this order are known (%(names)s). Refund the right one by hand.")
            % {"names": ", ".join(found)}
        )
    return {"payment_intent": found[0]} if intents else {"charge": found[0]}


def _key_of(transaction: RefundTransaction) -> str:
    return str(settings.STRIPE_SECRET_KEYS.get(transaction.order.store.slug, ""))


def _no_key(transaction: RefundTransaction) -> Unclear:
    return Unclear(
        _("No secret key is set for the store “%(store)s”. Add it to STRIPE_SECRET_KEYS; nothing was sent.")
        % {"store": transaction.order.store.slug}
    )


def _client(key: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": settings.STRIPE_API_BASE},
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=0,  # our own row says when to try again
    )


def _refunds_of(key: str, payment: Param) -> Iterator[stripe.Refund]:
    listed = _client(key).v1.refunds.list(cast(RefundListParams, {**payment, "limit": PAGE}))
    return iter(listed.auto_paging_iter())


def _key_in(refund: stripe.Refund) -> str:
    metadata = refund.metadata.to_dict() if refund.metadata else {}
    return str(metadata.get(METADATA_KEY, ""))


def _judge_refund(refund: stripe.Refund) -> Answer:
    """Status `None` is that of refunds which are done as they are made."""
    if refund.status in ("succeeded", None):
        return Done(refund.id)
    if refund.status in ("failed", "canceled"):
        reason = getattr(refund, "failure_reason", None) or refund.status
        return Refused(
            _("Stripe could not pay it out (%(refund)s: %(reason)s).") % {"refund": refund.id, "reason": reason}
        )
    return Unclear(
        _("Taken by Stripe, not there yet (%(refund)s: %(status)s).") % {"refund": refund.id, "status": refund.status}
    )


def _judge_error(error: stripe.StripeError) -> Refused | Unclear:
    """Only what Stripe says about this very refund refuses it; all else may be otherwise the next time."""
    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        return Refused(_words_of(error))
    return Unclear(_words_of(error))


def _words_of(error: stripe.StripeError) -> str:
    if isinstance(error, stripe.AuthenticationError):  # its own words repeat a part of the key
        return _("Stripe does not accept the secret key of this store. Mend STRIPE_SECRET_KEYS.")
    words = " ".join(str(error.user_message or "").split())[:LONGEST_ANSWER]
    return f"{error.http_status or ''} {error.code or type(error).__name__}: {words}".strip(" :")
