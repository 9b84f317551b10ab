"""Emailed links to the orders of an address: asked for, opened once, renewed."""

from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject
from notifications.services import send
from orders.access.attempts import CLIENT_RATE, Lookup, Outcome, Way, record
from orders.access.clients import client_address
from orders.access.grants import LINK_KEY, grant_access, granted_orders
from orders.models import MAX_FOUND_ORDERS, AccessLink, LinkState, Order
from orders.rate_limits import Rate, RateLimit, consume, consume_each

# Links mailed to one address; above it, the ones in the mailbox renew themselves.
LINK_RATE = Rate(short=5, long=20)


class LinkResult(Enum):
    OPENED = "opened"
    USED_OR_EXPIRED = "used_or_expired"
    INVALID = "invalid"


@dataclass(frozen=True)
class LinkOpened:
    result: LinkResult
    next_path: str = ""


def request_link(request: HttpRequest, email: str, next_path: str = "") -> Lookup:
    """Mail a link to the orders of this address. The answer, and the work, is the same for unknown addresses.

    Whether there are orders is asked when the mail is sent (see orders/emails.py). The outcome is FOUND
    for whoever is still within their own limit.
    """
    now = timezone.now()
    address = address_subject(email)
    client = client_address(request)
    client_allowed, address_allowed = consume_each(
        [RateLimit("client-link", client, CLIENT_RATE), RateLimit("link", address, LINK_RATE)], now
    )
    if not client_allowed:
        outcome = Outcome.CLIENT_BLOCKED
    elif not address_allowed:
        outcome = Outcome.RATE_LIMITED
    else:
        outcome = Outcome.FOUND
        _mail_link(email.strip(), next_path)
    record(Way.LINK_REQUEST, outcome, address, client)
    return Lookup(Outcome.CLIENT_BLOCKED if outcome == Outcome.CLIENT_BLOCKED else Outcome.FOUND)


def look_at_link(token: str) -> LinkState:
    """What a link would do, without using it up: mail scanners follow links too."""
    return AccessLink.state_of(AccessLink.read_token(token), timezone.now())


def open_link(request: HttpRequest, token: str) -> LinkOpened:
    """Use an emailed link up, and open the orders of its address."""
    link = AccessLink.read_token(token)
    if link is None:
        record(Way.LINK, Outcome.REFUSED, "", client_address(request))
        return LinkOpened(LinkResult.INVALID)
    found: list[Order] = []
    used = link.use(timezone.now())
    if used:
        found = list(Order.objects.for_email(link.email).access_columns().newest_first()[:MAX_FOUND_ORDERS])
    elif request.session.get(LINK_KEY) == link.pk and granted_orders(request).exists():
        return LinkOpened(LinkResult.OPENED, link.next_path)  # the second click on the same button
    outcome = Outcome.FOUND if found else Outcome.REFUSED
    record(Way.LINK, outcome, address_subject(link.email), client_address(request), len(found))
    if not found:
        return LinkOpened(LinkResult.INVALID if used else LinkResult.USED_OR_EXPIRED)
    grant_access(request, found, Way.LINK)
    request.session[LINK_KEY] = link.pk
    return LinkOpened(LinkResult.OPENED, link.next_path)


def renew_link(request: HttpRequest, token: str) -> Lookup:
    """Mail a fresh link to the address of an old one. Who holds the old one has read that mailbox."""
    client = client_address(request)
    link = AccessLink.read_token(token)
    if link is None:
        return Lookup(Outcome.REFUSED)
    address = address_subject(link.email)
    limits = [RateLimit("client-link", client, CLIENT_RATE), RateLimit("renewal", address, LINK_RATE)]
    allowed = consume(limits, timezone.now())
    if allowed:
        _mail_link(link.email, link.next_path)
    outcome = Outcome.FOUND if allowed else Outcome.RATE_LIMITED
    record(Way.LINK_REQUEST, outcome, address, client)
    return Lookup(Outcome.FOUND if allowed else Outcome.CLIENT_BLOCKED)


def _mail_link(email: str, next_path: str) -> None:
    link = AccessLink.objects.create(email=email, next_path=next_path)
    send("access_link", link, email, language=get_language() or "")
