"""Opening orders by number and password, or by email address and card."""

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from notifications.addresses import address_subject
from orders import passwords
from orders.access.attempts import Lookup, Way, attempt, under_enumeration
from orders.access.codes import require_code
from orders.access.grants import CORRECTION_KEY, current_grants, granted_orders
from orders.models import LAST4, MAX_FOUND_ORDERS, Order, Store, normalize_order_number
from orders.rate_limits import Rate, RateLimit, failures

# Tries that failed: against one address by card, against one order number by password.
SUBJECT_RATE = Rate(short=5, long=20)
# Failed tries of the last day on an address or order, from which a lookup by card looks like guessing.
SUSPICIOUS_FAILURES = 3


def find_by_number(request: HttpRequest, order_number: str, password: str) -> Lookup:
    """Open the order with this number and password. Two stores may share a number; the password tells them apart."""
    key = normalize_order_number(order_number)

    def judge() -> list[Order]:
        candidates = list(Order.objects.filter(number_key=key).access_columns())
        return passwords.with_password(candidates, password)

    return attempt(request, Way.NUMBER, key, _number_limit(key), judge)


def prove_address_correction(request: HttpRequest, order_number: str, password: str, card_last4: str) -> Lookup:
    """Open the order with this number and password that was paid with this card: all that its address hangs on.

    A wrong card counts against the same limit as a wrong password.
    """
    key = normalize_order_number(order_number)

    def judge() -> list[Order]:
        candidates = list(Order.objects.filter(number_key=key).access_columns())
        opened = {order.pk for order in passwords.with_password(candidates, password)}
        paid = Order.objects.filter(number_key=key).filter(Q(card_last4=card_last4) | Q(device_last4=card_last4))
        found = list(paid.access_columns())
        return [order for order in found if order.pk in opened]

    usable = bool(LAST4.fullmatch(card_last4))
    return attempt(request, Way.CORRECTION, key, _number_limit(key), judge if usable else list)


def find_by_card(
    request: HttpRequest, email: str, card_last4: str, *, enumerated: bool | None = None, work_done: bool = False
) -> Lookup:
    """Open the orders of this address that were paid with a card ending so.

    `enumerated` is what `under_enumeration` said for this request, if it was asked already. `work_done` says that a
    proof of work came with it; without one no card is judged while the site is being enumerated. Where the store
    wants it confirmed, a code is mailed (see `code_address`).
    """
    address = address_subject(email)
    enumerated = under_enumeration() if enumerated is None else enumerated

    def judge() -> list[Order]:
        return list(Order.objects.for_card(email, card_last4).access_columns().newest_first()[:MAX_FOUND_ORDERS])

    proven_better = {order_id for order_id, grant in current_grants(request).orders.items() if not grant.code_address}
    lookup = attempt(request, Way.CARD, address, _card_limit(address), judge, judged=work_done or not enumerated)
    to_confirm = _to_confirm(lookup.orders, address, enumerated)
    if unconfirmed := [order for order in to_confirm if order.pk not in proven_better]:
        require_code(request, unconfirmed, email.strip())
    return lookup


def _number_limit(key: str) -> RateLimit:
    return RateLimit("order", key, SUBJECT_RATE)


def _card_limit(address: str) -> RateLimit:
    return RateLimit("card", address, SUBJECT_RATE)


def _to_confirm(found: list[Order], address: str, enumerated: bool) -> list[Order]:
    """Which of the orders that a card found open whole only with a code, as their stores want it."""
    wanted = {order.store.confirm_card_lookup for order in found}
    suspicious = Store.ConfirmCardLookup.WHEN_SUSPICIOUS in wanted and (enumerated or _was_guessed_at(found, address))
    asked = {Store.ConfirmCardLookup.ALWAYS} | ({Store.ConfirmCardLookup.WHEN_SUSPICIOUS} if suspicious else set())
    return [order for order in found if order.store.confirm_card_lookup in asked]


def _was_guessed_at(found: list[Order], address: str) -> bool:
    """Whether tries failed of late, on this address by card or on these orders by password."""
    limits = [_card_limit(address), *(_number_limit(order.number_key) for order in found)]
    return failures(limits, timezone.now()) >= SUSPICIOUS_FAILURES


# --- A correction of the address, proven and not confirmed yet ------------------------------------------------


def await_correction(request: HttpRequest, order: Order, new_email: str) -> None:
    """Remember it until it is confirmed; it ends with the access to the order."""
    request.session[CORRECTION_KEY] = {"order": order.pk, "new_email": new_email}


def awaited_correction(request: HttpRequest) -> tuple[Order, str] | None:
    """The order, while this browser has it open, and its new address."""
    awaited = request.session.get(CORRECTION_KEY)
    if not awaited:
        return None
    order = granted_orders(request).filter(pk=awaited["order"]).select_related("store").first()
    return (order, awaited["new_email"]) if order is not None else None


def forget_correction(request: HttpRequest) -> None:
    request.session.pop(CORRECTION_KEY, None)
