"""Through what money goes back: one small module for each gateway, all with the same two functions."""

from refunds.gateways import stripe
from refunds.gateways.answers import Answer, Gateway
from refunds.models import StoreGateway

__all__ = ["Answer", "Gateway", "gateway_of"]

# A gateway that is not here is worked by people: see RefundTransactionQuerySet.to_be_made_by_hand.
GATEWAYS: dict[str, Gateway] = {StoreGateway.Gateway.STRIPE: stripe.StripeGateway()}


def gateway_of(name: str) -> Gateway:
    return GATEWAYS[name]
