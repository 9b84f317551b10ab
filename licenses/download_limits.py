"""How often the installers of one order can be downloaded. A link that is passed around soon stops working."""

from datetime import datetime

from orders.models import Order
from orders.rate_limits import Rate, RateLimit, consume, next_attempt_at

# Links issued to an order: enough for every device of a company, several times.
LINK_RATE = Rate(short=20, long=60)
# Requests with these links: a download manager makes one for each part of a file.
REQUEST_RATE = Rate(short=200, long=1000)


def may_issue_link(order: Order, now: datetime) -> bool:
    """Count a new link for this order. False if there are already too many."""
    return consume([_links(order)], now)


def may_send(order: Order, now: datetime) -> bool:
    """Count a request for an installer of this order. False if there were already too many."""
    return consume([_requests(order)], now)


def allowed_again_at(order: Order, now: datetime) -> datetime:
    """Return when a download of this order can start again."""
    return next_attempt_at([_links(order), _requests(order)], now)


def _links(order: Order) -> RateLimit:
    return RateLimit("download-links", str(order.pk), LINK_RATE)


def _requests(order: Order) -> RateLimit:
    return RateLimit("download-requests", str(order.pk), REQUEST_RATE)
