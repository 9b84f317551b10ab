"""The one door: who may open which order.

Whoever proves that an order is theirs (order number and password, email and card, an emailed link)
gets a grant. Grants live in the server-side session, bound to order ids. Every try is reserved in a
budget before it is judged, and leaves a row for staff. What is refused is refused alike.

Last 4 digits are only 10,000 values. So a store can ask for an emailed code on top of the card, and
while cards are tried over many addresses, a proof of work comes before any card is judged.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from notifications.services import send
from orders import links, lookup_codes, passwords
from orders.budgets import Limit, Purse, failures, give_back, has_room, reserve, reserve_each
from orders.card_numbers import mask_card_numbers
from orders.links import LinkState
from orders.models import (
    LAST4,
    MOST_FOUND,
    AccessLink,
    Attempt,
    LookupCode,
    Order,
    OrderQuerySet,
    Store,
    normalize_order_number,
    order_with_store,
    orders_paid_with,
)

IDLE_LIMIT = timedelta(minutes=30)
GRANT_LIMIT = timedelta(hours=8)
# Idle time is written down this coarsely, so that not every page writes the session. It counts against the buyer.
SEEN_STEP = timedelta(minutes=1)

# Tries that failed: against one address by card, against one order number by password.
SUBJECT_LIMIT = Limit(short=5, long=20)
# Tries that failed from one client, for each way apart; above what a household or an office mistypes.
CLIENT_LIMIT = Limit(short=30, long=200)
# Links mailed to one address; above it, the ones in the mailbox renew themselves.
LINK_LIMIT = Limit(short=5, long=20)
# Failed tries of the last day on an address or order, from which a lookup by card looks like guessing.
SUSPICIOUS_FAILURES = 3
# Cards that failed on the whole site, each of them judged, so over many addresses: the site is being walked.
SITE_CARDS = Purse("site", "card", Limit(short=150, long=3000))

SESSION_KEY = "grants"
CORRECTION_KEY = "correction"  # [order id, new address]: proven, and not confirmed yet

Outcome = Attempt.Outcome
Way = Attempt.Way


@dataclass(frozen=True)
class Lookup:
    """How a try ended. Orders only where it is FOUND, and then they are granted already."""

    outcome: Attempt.Outcome
    orders: list[Order] = field(default_factory=list)


class LinkResult(Enum):
    OPENED = "opened"
    USED_OR_EXPIRED = "used_or_expired"
    INVALID = "invalid"


@dataclass(frozen=True)
class LinkOpened:
    result: LinkResult
    next_path: str = ""


# --- Proofs -------------------------------------------------------------------------------------------


def find_by_number(request: HttpRequest, order_number: str, password: str) -> Lookup:
    """Open the order with this number and password. Two stores may share a number; the password tells them apart."""
    key = normalize_order_number(order_number)

    def judge() -> list[Order]:
        candidates = list(Order.objects.filter(number_key=key).for_the_door())
        return passwords.with_password(candidates, password)

    return _try(request, Way.NUMBER, key, _number_purse(key), judge)


def prove_address_correction(request: HttpRequest, order_number: str, password: str, card_last4: str) -> Lookup:
    """Open the order with this number and password that was paid with this card: all that its address hangs on.

    A wrong card spends the same budget as a wrong password.
    """
    key = normalize_order_number(order_number)

    def judge() -> list[Order]:
        candidates = list(Order.objects.filter(number_key=key).for_the_door())
        opened = {order.pk for order in passwords.with_password(candidates, password)}
        paid = Order.objects.filter(number_key=key).filter(Q(card_last4=card_last4) | Q(device_last4=card_last4))
        found = list(paid.for_the_door())
        return [order for order in found if order.pk in opened]

    usable = bool(LAST4.fullmatch(card_last4))
    return _try(request, Way.CORRECTION, key, _number_purse(key), judge if usable else list)


def find_by_card(
    request: HttpRequest, email: str, card_last4: str, *, walked: bool | None = None, work_done: bool = False
) -> Lookup:
    """Open the orders of this address that were paid with a card ending so.

    `walked` is what `is_walked` said for this request, if it was asked already. `work_done` says that a
    proof of work came with it; without one no card is judged while the site is walked. Where the store
    wants it confirmed, a code is mailed (see `needs_code`).
    """
    address = email.strip().lower()
    walked = is_walked() if walked is None else walked

    def judge() -> list[Order]:
        return orders_paid_with(email, card_last4)

    proven_better = {order_id for order_id, grant in _held(request).items() if not grant[2]}
    lookup = _try(request, Way.CARD, address, _card_purse(address), judge, judged=work_done or not walked)
    unconfirmed = [order for order in _to_confirm(lookup.orders, address, walked) if str(order.pk) not in proven_better]
    if unconfirmed:
        _ask_for_code(request, unconfirmed, email.strip())
    return lookup


def _number_purse(key: str) -> Purse:
    return Purse("order", key, SUBJECT_LIMIT)


def await_correction(request: HttpRequest, order: Order, new_email: str) -> None:
    """Remember the wish until it is confirmed; it ends with the access to the order."""
    request.session[CORRECTION_KEY] = [order.pk, new_email]


def awaited_correction(request: HttpRequest) -> tuple[Order, str] | None:
    """The order, while this browser has it open, and its new address."""
    order_id, new_email = request.session.get(CORRECTION_KEY) or (0, "")
    order = granted_orders(request).filter(pk=order_id).select_related("store").first()
    return (order, new_email) if order is not None else None


def forget_correction(request: HttpRequest) -> None:
    request.session.pop(CORRECTION_KEY, None)


def is_walked() -> bool:
    """Whether cards are being tried over many addresses just now, so that no card is judged at sight."""
    return not has_room(SITE_CARDS, timezone.now())


def request_link(request: HttpRequest, email: str, next_path: str = "") -> Lookup:
    """Mail a link to the orders of this address. The answer, and the work, is the same for unknown addresses.

    Whether there are orders is asked when the mail is sent (see orders/mails.py). The outcome is FOUND
    for whoever is still within their own budget.
    """
    now = timezone.now()
    address = email.strip().lower()
    client = client_address(request)
    client_allowed, address_allowed = reserve_each(
        [Purse("client-link", client, CLIENT_LIMIT), Purse("link", address, LINK_LIMIT)], now
    )
    if not client_allowed:
        outcome = Outcome.CLIENT_BLOCKED
    elif not address_allowed:
        outcome = Outcome.OVER_BUDGET
    else:
        outcome = Outcome.FOUND
        _mail_link(email.strip(), next_path)
    _record(Way.LINK_REQUEST, outcome, address, client)
    return Lookup(Outcome.CLIENT_BLOCKED if outcome == Outcome.CLIENT_BLOCKED else Outcome.FOUND)


def look_at_link(token: str) -> LinkState:
    """What a link would do, without using it up: mail scanners follow links too."""
    return links.state(links.read_token(token), timezone.now())


def open_link(request: HttpRequest, token: str) -> LinkOpened:
    """Use an emailed link up, and open the orders of its address."""
    now = timezone.now()
    link = links.read_token(token)
    if link is None:
        _record(Way.LINK, Outcome.REFUSED, "", client_address(request))
        return LinkOpened(LinkResult.INVALID)
    found: list[Order] = []
    used = links.use(link, now)
    if used:
        found = list(Order.objects.for_email(link.email).for_the_door().newest_first()[:MOST_FOUND])
    elif request.session.get("link") == link.pk and granted_orders(request).exists():
        return LinkOpened(LinkResult.OPENED, link.next_path)  # the second click on the same button
    outcome = Outcome.FOUND if found else Outcome.REFUSED
    _record(Way.LINK, outcome, link.email, client_address(request), len(found))
    if not found:
        return LinkOpened(LinkResult.INVALID if used else LinkResult.USED_OR_EXPIRED)
    _grant(request, found, Way.LINK)
    request.session["link"] = link.pk
    return LinkOpened(LinkResult.OPENED, link.next_path)


def renew_link(request: HttpRequest, token: str) -> Lookup:
    """Mail a fresh link to the address of an old one. Who holds the old one has read that mailbox."""
    now = timezone.now()
    client = client_address(request)
    link = links.read_token(token)
    if link is None:
        return Lookup(Outcome.REFUSED)
    allowed = reserve(
        [Purse("client-link", client, CLIENT_LIMIT), Purse("renewal", link.email.lower(), LINK_LIMIT)], now
    )
    if allowed:
        _mail_link(link.email, link.next_path)
    outcome = Outcome.FOUND if allowed else Outcome.OVER_BUDGET
    _record(Way.LINK_REQUEST, outcome, link.email.lower(), client)
    return Lookup(Outcome.FOUND if allowed else Outcome.CLIENT_BLOCKED)


def _mail_link(email: str, next_path: str) -> None:
    link = AccessLink.objects.create(email=email, next_path=next_path)
    send("access_link", link, email, language=get_language() or "")


def _try(
    request: HttpRequest,
    way: Attempt.Way,
    subject: str,
    purse: Purse,
    judge: Callable[[], list[Order]],
    *,
    judged: bool = True,
) -> Lookup:
    """Reserve, judge, record: the only way a secret is ever judged. Not at all where `judged` is false."""
    now = timezone.now()
    client = client_address(request)
    purses = [Purse(f"client-{way}", client, CLIENT_LIMIT), purse]
    client_allowed, subject_allowed = reserve_each(purses, now)
    found: list[Order] = []
    if not client_allowed:
        outcome = Outcome.CLIENT_BLOCKED
    elif not judged or not subject_allowed:
        outcome = Outcome.OVER_BUDGET
    else:
        found = judge()
        outcome = Outcome.FOUND if found else Outcome.REFUSED
    if found:
        _grant(request, found, way)
    with transaction.atomic():  # one write to disk; what was reserved stands on disk already
        _record(way, outcome, subject, client, len(found))
        if found:
            give_back(purses, now)
        elif outcome == Outcome.REFUSED and way == Way.CARD:
            # Only what failed: the one row of the whole site stays out of the way of owners. Last, for others wait.
            reserve([SITE_CARDS], now)
    return Lookup(outcome, found)


def _record(way: Attempt.Way, outcome: Attempt.Outcome, subject: str, client: str, orders_opened: int = 0) -> None:
    shown = mask_card_numbers(subject.replace("\x00", ""))[: Attempt.SUBJECT_LENGTH]
    # By hand, as in orders/budgets.py: every lookup passes here.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_attempt (at, way, outcome, subject, client, orders_opened)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [timezone.now(), way.value, outcome.value, shown, client, orders_opened],
        )


# --- The emailed code on top of a card ------------------------------------------------------------------


def needs_code(request: HttpRequest, order: Order) -> str:
    """The address to which a code went that must be entered before this order opens whole; else empty."""
    grant = _held(request).get(str(order.pk))
    return str(grant[2]) if grant else ""


def send_code_again(request: HttpRequest, order: Order) -> bool:
    """Mail a fresh code for the lookup that found this order. False where too many were sent."""
    address = needs_code(request, order)
    return bool(address) and _mail_code(request, address)


def enter_code(request: HttpRequest, order: Order, typed: str) -> Lookup:
    """Open whole what the card opened in part, with the code that was mailed for it."""
    now = timezone.now()
    client = client_address(request)
    address = needs_code(request, order)
    code_id, mailed_to = request.session.get("code") or (0, "")
    if not reserve([Purse("client-code", client, CLIENT_LIMIT)], now):
        outcome = Outcome.CLIENT_BLOCKED
    elif address and address == mailed_to and lookup_codes.enter(code_id, typed, now):
        outcome = Outcome.FOUND
        give_back([Purse("client-code", client, CLIENT_LIMIT)], now)
        _confirm(request, address)
    else:
        outcome = Outcome.REFUSED
    _record(Way.CODE, outcome, address.lower(), client)
    return Lookup(outcome, [order] if outcome == Outcome.FOUND else [])


def _card_purse(address: str) -> Purse:
    return Purse("card", address, SUBJECT_LIMIT)


def _to_confirm(found: list[Order], address: str, walked: bool) -> list[Order]:
    """Which of the orders that a card found open whole only with a code, by their stores' wish."""
    wishes = {order.store.confirm_card_lookup for order in found}
    suspicious = Store.ConfirmCardLookup.WHEN_SUSPICIOUS in wishes and (walked or _was_guessed_at(found, address))
    asked = {Store.ConfirmCardLookup.ALWAYS} | ({Store.ConfirmCardLookup.WHEN_SUSPICIOUS} if suspicious else set())
    return [order for order in found if order.store.confirm_card_lookup in asked]


def _was_guessed_at(found: list[Order], address: str) -> bool:
    """Whether tries failed of late, on this address by card or on these orders by password."""
    purses = [_card_purse(address), *(_number_purse(order.number_key) for order in found)]
    return failures(purses, timezone.now()) >= SUSPICIOUS_FAILURES


def _ask_for_code(request: HttpRequest, orders: list[Order], email: str) -> None:
    held = request.session[SESSION_KEY]["orders"]
    for order in orders:
        held[str(order.pk)][2] = email
    request.session.modified = True
    _mail_code(request, email)


def _mail_code(request: HttpRequest, email: str) -> bool:
    now = timezone.now()
    if not reserve([Purse("code", email.lower(), LINK_LIMIT)], now):
        return False
    code = LookupCode.objects.create(email=email)
    send("lookup_code", code, email, language=get_language() or "")
    request.session["code"] = [code.pk, email]
    return True


def _confirm(request: HttpRequest, address: str) -> None:
    for grant in request.session[SESSION_KEY]["orders"].values():
        if grant[2] == address:
            grant[2] = ""
    request.session.cycle_key()
    request.session.pop("code", None)
    request.session.modified = True


# --- Grants -------------------------------------------------------------------------------------------


def _grant(request: HttpRequest, orders: list[Order], way: Attempt.Way) -> None:
    """Let this browser open these orders, under a session key that nobody knew before."""
    session = request.session
    held = _held(request)
    if session.session_key:
        session.cycle_key()
    now = timezone.now().timestamp()
    held |= {str(order.pk): [now + GRANT_LIMIT.total_seconds(), str(way), ""] for order in orders}
    session[SESSION_KEY] = {"seen": now, "orders": held, "others": _grants(request).get("others", {})}


def hold(request: HttpRequest, name: str) -> None:
    """Let this browser open one thing of a room above, as it opens orders: as long, and until it leaves.

    `name` says which, as in `thread:7`. Whoever calls this has judged the proof; see `holds`.
    """
    session = request.session
    held = _held(request)
    others = _grants(request).get("others", {})
    if session.session_key:
        session.cycle_key()
    now = timezone.now().timestamp()
    others |= {name: now + GRANT_LIMIT.total_seconds()}
    session[SESSION_KEY] = {"seen": now, "orders": held, "others": others}


def holds(request: HttpRequest, name: str) -> bool:
    """Whether this browser may open that thing of a room above."""
    _held(request)  # ends what was idle too long
    return bool(_grants(request).get("others", {}).get(name, 0) > timezone.now().timestamp())


def _grants(request: HttpRequest) -> dict[str, Any]:
    grants: dict[str, Any] = request.session.get(SESSION_KEY) or {}
    return grants


def _held(request: HttpRequest) -> dict[str, Any]:
    """What the session grants now: {order id: [end, way of proof, address whose code is awaited]}.

    Ends what was idle too long.
    """
    grants = _grants(request)
    if not grants:
        return {}
    now = timezone.now().timestamp()
    if now - grants["seen"] >= IDLE_LIMIT.total_seconds():
        leave(request)
        return {}
    if now - grants["seen"] >= SEEN_STEP.total_seconds():
        grants["seen"] = now
        request.session.modified = True
    return {order_id: grant for order_id, grant in grants["orders"].items() if grant[0] > now}


def granted_orders(request: HttpRequest) -> OrderQuerySet:
    """The orders that this request may see, newest first."""
    return Order.objects.filter(pk__in=[int(order_id) for order_id in _held(request)]).newest_first()


def with_order(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view of `<uuid:public_id>` its order, as `view(request, order)`.

    Without access, and without such an order, the answer is one and the same: the find page, which
    knows the way back. An order whose code is awaited leads to the page that takes it.
    """

    @with_found_order
    @wraps(view)
    def confirmed(request: HttpRequest, order: Order, **kwargs: Any) -> HttpResponse:
        if needs_code(request, order):
            return HttpResponseRedirect(reverse("orders:code", args=[order.public_id]))
        return view(request, order, **kwargs)

    return confirmed


def with_found_order(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """As `with_order`, for what opens before the emailed code: never serial numbers, invoice, downloads, returns."""

    @wraps(view)
    def guarded(request: HttpRequest, public_id: UUID, **kwargs: Any) -> HttpResponse:
        order = _granted_order(request, public_id)
        if order is None:
            back = request.path if request.method == "GET" else reverse("orders:order", args=[public_id])
            return HttpResponseRedirect(f"{reverse('orders:find')}?{urlencode({'next': back})}")
        return view(request, order, **kwargs)

    return guarded


def _granted_order(request: HttpRequest, public_id: UUID) -> Order | None:
    held = _held(request)
    if not held:
        return None
    order = order_with_store(public_id)
    return order if order is not None and str(order.pk) in held else None


def leave(request: HttpRequest) -> None:
    """End the access on the server. What else the session holds (staff at the admin) stays."""
    session = request.session
    if SESSION_KEY not in session:
        return
    del session[SESSION_KEY]
    session.pop("link", None)
    session.pop("code", None)
    session.pop(CORRECTION_KEY, None)
    if session.is_empty() or not list(session.keys()):
        session.flush()
    else:
        session.cycle_key()


# --- Clients ------------------------------------------------------------------------------------------


def client_ip(request: HttpRequest) -> str | None:
    """The network address that a request came from; None where it has none (a Unix socket).

    Only a header that our own proxy writes is believed, and only if settings name it: its last
    CLIENT_IP_PROXIES entries are ours, and the first of those is the client.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.CLIENT_IP_HEADER:
        header = request.headers.get(settings.CLIENT_IP_HEADER, "")
        written = [part.strip() for part in header.split(",") if part.strip()]
        if len(written) >= settings.CLIENT_IP_PROXIES:
            text = written[-settings.CLIENT_IP_PROXIES]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def client_address(request: HttpRequest) -> str:
    """Whose budget a request is charged to: its address, or of IPv6 the /64, which is one household."""
    text = client_ip(request)
    if text is not None and ":" in text:
        return str(ipaddress.ip_network((text, 64), strict=False))
    return text or "unknown"
