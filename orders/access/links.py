"""Emailed links to the orders of an address: requesting, opening and renewing them."""

from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject, email_key
from notifications.services import send
from orders.access.attempts import CLIENT_RATE, LookupResult, Method, Outcome, record_attempt
from orders.access.clients import client_address
from orders.access.grants import LINK_KEY, grant_access, granted_orders
from orders.models import MAX_FOUND_ORDERS, AccessLink, LinkState, Order
from orders.rate_limits import Rate, RateLimit, consume, consume_each, next_attempt_at
from orders.services.confirmations import ResendResult, order_language

# Links emailed to one address. Above the limit, links that are already in the mailbox can be renewed.
LINK_RATE = Rate(short=5, long=20)


class LinkResult(Enum):
    OPENED = "opened"
    USED_OR_EXPIRED = "used_or_expired"
    INVALID = "invalid"


@dataclass(frozen=True)
class LinkOpened:
    result: LinkResult
    next_path: str = ""


def request_link(request: HttpRequest, email: str, next_path: str = "") -> LookupResult:
    """Email a link to the orders of this address. Result and duration are the same for unknown addresses.

    Whether the address has orders is checked when the email is sent (see orders/emails.py). The outcome is FOUND
    unless the limit of the client or of the address is used up.
    """
    now = timezone.now()
    address = address_subject(email)
    client = client_address(request)
    limits = [RateLimit("client-link", client, CLIENT_RATE), RateLimit("link", address, LINK_RATE)]
    client_allowed, address_allowed = consume_each(limits, now)
    if not client_allowed:
        outcome = Outcome.CLIENT_BLOCKED
    elif not address_allowed:
        outcome = Outcome.RATE_LIMITED
    else:
        outcome = Outcome.FOUND
        _send_link(email_key(email), next_path)
    record_attempt(Method.LINK_REQUEST, outcome, address, client)
    return LookupResult(outcome, retry_at=None if outcome == Outcome.FOUND else next_attempt_at(limits, now))


def check_link(token: str) -> LinkState:
    """Return the state of a link without using it up, because email scanners follow links, too."""
    return AccessLink.get_state(AccessLink.get_by_token(token), timezone.now())


def open_link(request: HttpRequest, token: str) -> LinkOpened:
    """Use up an emailed link, and grant access to the orders of its address."""
    link = AccessLink.get_by_token(token)
    if link is None:
        record_attempt(Method.LINK, Outcome.REFUSED, "", client_address(request))
        return LinkOpened(LinkResult.INVALID)
    found: list[Order] = []
    used = link.mark_used(timezone.now())
    if used:
        found = list(Order.objects.for_email_key(link.email_key).access_columns().newest_first()[:MAX_FOUND_ORDERS])
    elif request.session.get(LINK_KEY) == link.pk and granted_orders(request).exists():
        return LinkOpened(LinkResult.OPENED, link.next_path)  # a second click on the same button
    outcome = Outcome.FOUND if found else Outcome.REFUSED
    record_attempt(Method.LINK, outcome, link.email_key, client_address(request), len(found))
    if not found:
        return LinkOpened(LinkResult.INVALID if used else LinkResult.USED_OR_EXPIRED)
    grant_access(request, found, Method.LINK)
    request.session[LINK_KEY] = link.pk
    return LinkOpened(LinkResult.OPENED, link.next_path)


def renew_link(request: HttpRequest, token: str) -> LookupResult:
    """Email a new link to the address of an old one. May be called for anyone who has the old link."""
    client = client_address(request)
    link = AccessLink.get_by_token(token)
    if link is None:
        return LookupResult(Outcome.REFUSED)
    now = timezone.now()
    limits = [RateLimit("client-link", client, CLIENT_RATE), RateLimit("renewal", link.email_key, LINK_RATE)]
    allowed = consume(limits, now)
    if allowed:
        _send_link(link.email_key, link.next_path)
    outcome = Outcome.FOUND if allowed else Outcome.RATE_LIMITED
    record_attempt(Method.LINK_REQUEST, outcome, link.email_key, client)
    return LookupResult(outcome, retry_at=None if allowed else next_attempt_at(limits, now))


def send_link_for_staff(order: Order) -> ResendResult:
    """Email a link to the orders of this order's address, in the order's language.

    Has a limit of its own, so that the buyer's isn't used up.
    """
    if not (key := order.email_key):
        return ResendResult.NO_ADDRESS
    if not consume([RateLimit("staff-link", key, LINK_RATE)], timezone.now()):
        return ResendResult.TOO_MANY
    link = AccessLink.objects.create(email_key=key)
    send("access_link", link, order.email, order_id=order.pk, language=order_language(order))
    return ResendResult.QUEUED


def _send_link(key: str, next_path: str) -> None:
    """Queue a link to the orders of this key. It goes to the address on the orders (see orders/emails.py)."""
    if key:  # an address without a key has no orders that can be opened by address
        link = AccessLink.objects.create(email_key=key, next_path=next_path)
        send("access_link", link, key, language=get_language() or "")
