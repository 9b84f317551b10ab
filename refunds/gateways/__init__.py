"""Payment gateways that send refunds: one module each, with a class that implements `Gateway`."""

from orders.models import Store
from refunds.gateways import stripe
from refunds.gateways.results import Gateway, GatewayResult
from refunds.models import StoreGateway

__all__ = ["Gateway", "GatewayResult", "get_gateway", "is_configured"]

# The manual gateway is not here: see RefundTransactionQuerySet.waiting_for_staff.
GATEWAYS: dict[str, Gateway] = {StoreGateway.Gateway.STRIPE: stripe.StripeGateway()}


def get_gateway(name: str) -> Gateway:
    return GATEWAYS[name]


def is_configured(name: str, store: Store) -> bool:
    """Whether refunds of this store can go through this gateway. By hand they always can."""
    return name == StoreGateway.Gateway.MANUAL or get_gateway(name).is_configured(store)
