"""The emailed code: confirms a lookup by card, if the store requires that, or before actions on money or access."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from notifications.services import send
from orders import lookup_codes
from orders.access.attempts import CLIENT_RATE, LookupResult, Method, Outcome, record_attempt
from orders.access.clients import client_address
from orders.access.grants import CODE_KEY, confirm_owner, require_code_for
from orders.models import LookupCode, Order
from orders.rate_limits import Rate, RateLimit, consume, next_attempt_at, restore

CODE_RATE = Rate(short=5, long=20)  # codes emailed to one address


def require_code(request: HttpRequest, orders: Sequence[Order]) -> None:
    """Restrict these granted orders of one address until a code is entered, and email it to the newest one's address.

    They are sorted, newest first.
    """
    require_code_for(request, orders)
    send_code(request, Order.objects.get(pk=orders[0].pk))


def send_code(request: HttpRequest, order: Order) -> LookupResult:
    """Email a code to the address of a granted order.

    The outcome is FOUND, REFUSED if the order has no address, or RATE_LIMITED.
    """
    if not order.email_key:
        return LookupResult(Outcome.REFUSED)
    now = timezone.now()
    limits = [RateLimit("code", order.email_key, CODE_RATE)]
    if not consume(limits, now):
        return LookupResult(Outcome.RATE_LIMITED, retry_at=next_attempt_at(limits, now))
    code = LookupCode.objects.create(order=order, email_key=order.email_key)
    send("lookup_code", code, order.email, language=get_language() or "")
    request.session[CODE_KEY] = {"id": code.pk, "email_key": order.email_key}
    return LookupResult(Outcome.FOUND)


def has_sent_code(request: HttpRequest, order: Order) -> bool:
    """Whether a code was emailed in this session to the address that the order has."""
    return _sent_code_id(request, order) is not None


def _sent_code_id(request: HttpRequest, order: Order) -> int | None:
    sent = request.session.get(CODE_KEY) or {}
    return sent["id"] if order.email_key and sent.get("email_key") == order.email_key else None


def enter_code(request: HttpRequest, order: Order, typed: str) -> LookupResult:
    """Lift all restrictions from the granted orders of this order's address, if this is the code emailed to it."""
    now = timezone.now()
    client = client_address(request)
    limits = [RateLimit("client-code", client, CLIENT_RATE)]
    retry_at = None
    code_id = _sent_code_id(request, order)
    if not consume(limits, now):
        outcome, retry_at = Outcome.CLIENT_BLOCKED, next_attempt_at(limits, now)
    elif code_id is not None and lookup_codes.verify_code(code_id, typed, now):
        outcome = Outcome.FOUND
        restore(limits, now)
        confirm_owner(request, order.email_key)
    else:
        outcome = Outcome.REFUSED
    record_attempt(Method.CODE, outcome, order.email_key, client)
    return LookupResult(outcome, [order] if outcome == Outcome.FOUND else [], retry_at)
