"""Payment gateways that send refunds: one module each, with a class that implements `Gateway`."""

from django.utils.module_loading import import_string

from orders.models import Store
from refunds.gateways.results import Gateway, GatewayResult
from refunds.models import StoreGateway

__all__ = ["Gateway", "GatewayResult", "get_gateway", "is_configured"]

# Dotted paths, so that a process loads a gateway's library only when it uses it. The manual gateway is not listed here:
# see RefundTransactionQuerySet.waiting_for_staff.
GATEWAYS: dict[str, str] = {StoreGateway.Gateway.STRIPE: "refunds.gateways.stripe.StripeGateway"}


loaded_gateways: dict[str, Gateway] = {}


def get_gateway(name: str) -> Gateway:
    if name not in loaded_gateways:
        loaded_gateways[name] = import_string(GATEWAYS[name])()
    return loaded_gateways[name]


def is_configured(name: str, store: Store) -> bool:
    """Whether refunds of this store can use this gateway. Manual refunds are always possible."""
    return name == StoreGateway.Gateway.MANUAL or get_gateway(name).is_configured(store)
