"""All feeds, in the order in which format detection tries them."""

from intake.feed import Feed
from intake.feeds import (
    digitalriver,
    fastspring,
    gumroad,
    lemonsqueezy,
    paddle,
    portal,
    shopify,
    stripe,
    twocheckout,
    woocommerce,
)

FEEDS: tuple[Feed, ...] = (
    portal.FEED,
    shopify.FEED,
    stripe.FEED,
    woocommerce.FEED,
    paddle.FEED,
    lemonsqueezy.FEED,
    digitalriver.FEED,
    fastspring.FEED,
    twocheckout.FEED,
    gumroad.FEED,
)
