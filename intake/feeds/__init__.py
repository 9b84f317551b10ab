"""The formats that are known, in the order in which they are tried on a file."""

from intake.feed import Feed
from intake.feeds import portal, shopify

FEEDS: tuple[Feed, ...] = (portal.FEED, shopify.FEED)
