"""Payment gateways that send refunds: one module each, with a class that implements `Gateway`."""

from refunds.gateways import stripe
from refunds.gateways.results import Gateway, GatewayResult
from refunds.models import StoreGateway

__all__ = ["Gateway", "GatewayResult", "get_gateway"]

# The manual gateway is not here: see RefundTransactionQuerySet.waiting_for_staff.
GATEWAYS: dict[str, Gateway] = {StoreGateway.Gateway.STRIPE: stripe.StripeGateway()}


def get_gateway(name: str) -> Gateway:
    return GATEWAYS[name]
