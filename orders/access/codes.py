"""The emailed code that a store can require in addition to a lookup by card."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject
from notifications.services import send
from orders import lookup_codes
from orders.access.attempts import CLIENT_RATE, LookupResult, Method, Outcome, record_attempt
from orders.access.clients import client_address
from orders.access.grants import CODE_KEY, clear_pending_code, pending_code_address, set_pending_code
from orders.models import LookupCode, Order
from orders.rate_limits import Rate, RateLimit, consume, restore

CODE_RATE = Rate(short=5, long=20)  # codes emailed to one address


def require_code(request: HttpRequest, orders: Sequence[Order], email: str) -> None:
    """Restrict these granted orders until a code is entered, and email the code."""
    set_pending_code(request, orders, email)
    _send_code(request, email)


def resend_code(request: HttpRequest, order: Order) -> bool:
    """Email a new code for the lookup that found this order. Returns False if too many were sent."""
    address = pending_code_address(request, order)
    return bool(address) and _send_code(request, address)


def enter_code(request: HttpRequest, order: Order, typed: str) -> LookupResult:
    """Lift the restriction from the orders that a lookup by card found, if this is the code emailed for it."""
    now = timezone.now()
    client = client_address(request)
    limits = [RateLimit("client-code", client, CLIENT_RATE)]
    address = pending_code_address(request, order)
    sent = request.session.get(CODE_KEY) or {"id": 0, "address": ""}
    if not consume(limits, now):
        outcome = Outcome.CLIENT_BLOCKED
    elif address and address == sent["address"] and lookup_codes.verify_code(sent["id"], typed, now):
        outcome = Outcome.FOUND
        restore(limits, now)
        clear_pending_code(request, address)
    else:
        outcome = Outcome.REFUSED
    record_attempt(Method.CODE, outcome, address_subject(address) if address else "", client)
    return LookupResult(outcome, [order] if outcome == Outcome.FOUND else [])


def _send_code(request: HttpRequest, email: str) -> bool:
    if not consume([RateLimit("code", address_subject(email), CODE_RATE)], timezone.now()):
        return False
    code = LookupCode.objects.create(email=email)
    send("lookup_code", code, email, language=get_language() or "")
    request.session[CODE_KEY] = {"id": code.pk, "address": email}
    return True
