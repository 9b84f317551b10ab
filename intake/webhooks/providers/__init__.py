"""How webhook providers sign their requests. The feed of the same format reads their content."""

from intake.webhooks.providers.base import Delivery, Provider, ReceivedEvent
from intake.webhooks.providers.stores import FASTSPRING, LEMONSQUEEZY, SHOPIFY, WOOCOMMERCE
from intake.webhooks.providers.timed import PADDLE, PORTAL, STRIPE
from intake.webhooks.providers.twocheckout import TWOCHECKOUT

PROVIDERS = {
    each.format: each for each in (PORTAL, SHOPIFY, WOOCOMMERCE, STRIPE, PADDLE, FASTSPRING, LEMONSQUEEZY, TWOCHECKOUT)
}

__all__ = ["PROVIDERS", "Delivery", "Provider", "ReceivedEvent"]
