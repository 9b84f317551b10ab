"""Finding orders by number and password, or by email address and card."""

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from notifications.addresses import address_subject
from orders import passwords
from orders.access.attempts import LookupResult, Method, attempt_lookup, under_enumeration
from orders.access.codes import require_code
from orders.access.grants import CORRECTION_KEY, current_grants, granted_orders, is_owner_confirmed
from orders.models import LAST4, MAX_FOUND_ORDERS, Order, Store, normalize_order_number
from orders.rate_limits import Rate, RateLimit, count_attempts

# Failed attempts by card against one email address, or by password against one order number.
SUBJECT_RATE = Rate(short=5, long=20)
# From this number of failed attempts within a day, on the address or the orders, a lookup by card is suspicious.
SUSPICIOUS_FAILURES = 3
MAX_PENDING_CORRECTIONS = 10  # in one session, one per tab; the oldest is dropped first


def find_by_number(request: HttpRequest, order_number: str, password: str) -> LookupResult:
    """Open the order with this number and password. If two stores share a number, the password decides."""
    key = normalize_order_number(order_number)

    def find_orders() -> list[Order]:
        candidates = list(Order.objects.filter(number_key=key).access_columns())
        return passwords.matching_orders(candidates, password)

    return attempt_lookup(request, Method.NUMBER, key, _number_limit(key), find_orders)


def find_for_correction(request: HttpRequest, order_number: str, password: str, card_last4: str) -> LookupResult:
    """Open the order with this number and password if it was paid with this card, to correct its address.

    A wrong card counts against the same limit as a wrong password.
    """
    key = normalize_order_number(order_number)

    def find_orders() -> list[Order]:
        if not LAST4.fullmatch(card_last4):
            return []
        candidates = list(Order.objects.filter(number_key=key).access_columns())
        opened = {order.pk for order in passwords.matching_orders(candidates, password)}
        paid = Order.objects.filter(number_key=key).filter(Q(card_last4=card_last4) | Q(device_last4=card_last4))
        return [order for order in paid.access_columns() if order.pk in opened]

    return attempt_lookup(request, Method.CORRECTION, key, _number_limit(key), find_orders)


def find_by_card(
    request: HttpRequest, email: str, card_last4: str, *, enumerated: bool | None = None, work_done: bool = False
) -> LookupResult:
    """Open the orders of this address that were paid with a card with these last 4 digits.

    `enumerated` is the result of `under_enumeration()`, if the caller already has it. `work_done` says that the request
    contained a proof of work; without one, no card is evaluated while the site is being enumerated. If the store
    requires it, the orders stay restricted until an emailed code is entered (see `needs_code`).
    """
    address = address_subject(email)
    enumerated = under_enumeration() if enumerated is None else enumerated

    def find_orders() -> list[Order]:
        return list(Order.objects.for_card(email, card_last4).access_columns().newest_first()[:MAX_FOUND_ORDERS])

    # Orders that a stronger proof opened without restriction stay unrestricted.
    unrestricted = {
        (order_id, grant.generation)
        for order_id, grant in current_grants(request).orders.items()
        if not grant.needs_code
    }
    lookup = attempt_lookup(
        request,
        Method.CARD,
        address,
        _card_limit(address),
        find_orders,
        may_evaluate=work_done or not enumerated,
    )
    to_confirm = _orders_to_confirm(lookup.orders, address)
    if unconfirmed := [order for order in to_confirm if (order.pk, order.access_generation) not in unrestricted]:
        require_code(request, unconfirmed)
    return lookup


def _number_limit(key: str) -> RateLimit:
    return RateLimit("order", key, SUBJECT_RATE)


def _card_limit(address: str) -> RateLimit:
    return RateLimit("card", address, SUBJECT_RATE)


def _orders_to_confirm(found: list[Order], address: str) -> list[Order]:
    """Return the orders whose stores require an emailed code for this lookup by card.

    Only attempts on this address or these orders are suspicious. Attempts on the whole site only cause a proof of work.
    Otherwise, anyone could force all owners to enter a code.
    """
    policies = {order.store.confirm_card_lookup for order in found}
    suspicious = Store.ConfirmCardLookup.WHEN_SUSPICIOUS in policies and _was_guessed(found, address)
    confirming = {Store.ConfirmCardLookup.ALWAYS} | ({Store.ConfirmCardLookup.WHEN_SUSPICIOUS} if suspicious else set())
    return [order for order in found if order.store.confirm_card_lookup in confirming]


def _was_guessed(found: list[Order], address: str) -> bool:
    """Whether attempts failed recently, by card on this address or by password on these orders.

    Also true if access to one of the orders was ended: the person who had it still knows its address and card.
    """
    if any(order.access_ended_at is not None for order in found):
        return True
    limits = [_card_limit(address), *(_number_limit(order.number_key) for order in found)]
    return count_attempts(limits, timezone.now()).long >= SUSPICIOUS_FAILURES


# --- A proven address correction that isn't confirmed yet ---------------------------------------------------


def save_pending_correction(request: HttpRequest, draft_id: str, order: Order, new_email: str) -> None:
    """Keep a correction in the session until it is confirmed, at most as long as the access to the order.

    `draft_id` identifies it in the URL, so that each of two tabs confirms its own.
    """
    pending = request.session.get(CORRECTION_KEY, {})
    pending.pop(draft_id, None)
    while len(pending) >= MAX_PENDING_CORRECTIONS:
        del pending[next(iter(pending))]
    request.session[CORRECTION_KEY] = pending | {
        draft_id: {"order": order.pk, "new_email": new_email, "generation": order.access_generation}
    }


def pending_correction(request: HttpRequest, draft_id: str) -> tuple[Order, str] | None:
    """Return the order and its new address, if this browser still has the access that proved it.

    If access was ended in the meantime and granted again, for example by card, it doesn't confirm the earlier proof.
    """
    pending = request.session.get(CORRECTION_KEY, {}).get(draft_id)
    if not pending:
        return None
    granted = granted_orders(request).filter(access_generation=pending["generation"])
    order = granted.filter(pk=pending["order"]).select_related("store").first()
    if order is None or not is_owner_confirmed(request, order):
        return None
    return order, pending["new_email"]


def clear_pending_correction(request: HttpRequest, draft_id: str) -> None:
    pending = request.session.get(CORRECTION_KEY, {})
    if pending.pop(draft_id, None) is not None:
        request.session[CORRECTION_KEY] = pending
