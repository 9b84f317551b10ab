"""The formats that are known, in the order in which they are tried on a file."""

from intake.feed import Feed
from intake.feeds import portal, shopify, stripe, woocommerce

FEEDS: tuple[Feed, ...] = (portal.FEED, shopify.FEED, stripe.FEED, woocommerce.FEED)
