"""The emailed code that a store can ask for on top of a lookup by card."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject
from notifications.services import send
from orders import lookup_codes
from orders.access.attempts import CLIENT_RATE, Lookup, Outcome, Way, record
from orders.access.clients import client_address
from orders.access.grants import CODE_KEY, await_code, code_address, code_entered
from orders.models import LookupCode, Order
from orders.rate_limits import Rate, RateLimit, consume, restore

CODE_RATE = Rate(short=5, long=20)  # codes mailed to one address


def require_code(request: HttpRequest, orders: Sequence[Order], email: str) -> None:
    """Let these granted orders open whole only with a code, and mail it."""
    await_code(request, orders, email)
    _mail_code(request, email)


def send_code_again(request: HttpRequest, order: Order) -> bool:
    """Mail a fresh code for the lookup that found this order. False where too many were sent."""
    address = code_address(request, order)
    return bool(address) and _mail_code(request, address)


def enter_code(request: HttpRequest, order: Order, typed: str) -> Lookup:
    """Open whole what the card opened in part, with the code that was mailed for it."""
    now = timezone.now()
    client = client_address(request)
    limits = [RateLimit("client-code", client, CLIENT_RATE)]
    address = code_address(request, order)
    mailed = request.session.get(CODE_KEY) or {"id": 0, "address": ""}
    if not consume(limits, now):
        outcome = Outcome.CLIENT_BLOCKED
    elif address and address == mailed["address"] and lookup_codes.enter(mailed["id"], typed, now):
        outcome = Outcome.FOUND
        restore(limits, now)
        code_entered(request, address)
    else:
        outcome = Outcome.REFUSED
    record(Way.CODE, outcome, address_subject(address) if address else "", client)
    return Lookup(outcome, [order] if outcome == Outcome.FOUND else [])


def _mail_code(request: HttpRequest, email: str) -> bool:
    if not consume([RateLimit("code", address_subject(email), CODE_RATE)], timezone.now()):
        return False
    code = LookupCode.objects.create(email=email)
    send("lookup_code", code, email, language=get_language() or "")
    request.session[CODE_KEY] = {"id": code.pk, "address": email}
    return True
