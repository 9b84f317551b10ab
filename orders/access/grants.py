"""What a browser may open: grants in the server-side session, bound to order ids.

A grant ends after 30 idle minutes, after 8 hours, or when the person signs out. The session's key changes
whenever a grant is given, so that nobody who knew it before shares it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from orders.models import Attempt, Order, OrderQuerySet

IDLE_TIMEOUT = timedelta(minutes=30)
GRANT_LIFETIME = timedelta(hours=8)
# Idle time is written down this coarsely, so that not every page writes the session. It counts against the buyer.
SEEN_STEP = timedelta(minutes=1)

SESSION_KEY = "grants"
# What else ends with the access: the link and the code that were used, and a correction not confirmed yet.
LINK_KEY, CODE_KEY, CORRECTION_KEY = "link", "code", "correction"

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Grant:
    """That a browser may open something until a moment, and by which proof.

    While `code_address` is set, an emailed code is awaited, and the order opens only in part.
    """

    expires_at: float  # seconds since the epoch, as sessions are JSON
    proof: str
    code_address: str = ""

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def dump(self) -> dict[str, Any]:
        return {"expires_at": self.expires_at, "proof": self.proof, "code_address": self.code_address}


@dataclass
class Grants:
    """All that a session may open: orders by id, and things of rooms above by name, as in `thread:7`."""

    seen_at: float
    orders: dict[int, Grant]
    others: dict[str, Grant]

    def dump(self) -> dict[str, Any]:
        return {
            "seen_at": self.seen_at,
            "orders": {str(order_id): grant.dump() for order_id, grant in self.orders.items()},
            "others": {name: grant.dump() for name, grant in self.others.items()},
        }


def current_grants(request: HttpRequest) -> Grants:
    """What the session grants now. Ends what was idle too long, and notes that its person is still there."""
    now = timezone.now().timestamp()
    stored = request.session.get(SESSION_KEY)
    if stored and now - stored["seen_at"] >= IDLE_TIMEOUT.total_seconds():
        end_access(request)
        stored = None
    if not stored:
        return Grants(now, {}, {})
    if now - stored["seen_at"] >= SEEN_STEP.total_seconds():
        stored["seen_at"] = now
        request.session.modified = True
    orders = {int(order_id): Grant.load(grant) for order_id, grant in stored["orders"].items()}
    others = {name: Grant.load(grant) for name, grant in stored["others"].items()}
    return Grants(
        seen_at=stored["seen_at"],
        orders={order_id: grant for order_id, grant in orders.items() if grant.expires_at > now},
        others={name: grant for name, grant in others.items() if grant.expires_at > now},
    )


def grant_access(request: HttpRequest, orders: Iterable[Order], proof: Attempt.Way) -> None:
    """Let this browser open these orders. Whoever calls this has judged the proof."""
    grants = current_grants(request)
    grants.orders |= {order.pk: _new_grant(proof) for order in orders}
    _renew_session(request, grants)


def grant_other(request: HttpRequest, name: str, proof: str) -> None:
    """Let this browser open one thing of a room above, as it opens orders: as long, and until it signs out.

    `name` says which, as in `thread:7`. Whoever calls this has judged the proof; see `has_other`.
    """
    grants = current_grants(request)
    grants.others[name] = _new_grant(proof)
    _renew_session(request, grants)


def _new_grant(proof: str) -> Grant:
    return Grant((timezone.now() + GRANT_LIFETIME).timestamp(), str(proof))


def _renew_session(request: HttpRequest, grants: Grants) -> None:
    """Write the grants down, under a session key that nobody knew before."""
    if request.session.session_key:
        request.session.cycle_key()
    grants.seen_at = timezone.now().timestamp()
    request.session[SESSION_KEY] = grants.dump()


def has_other(request: HttpRequest, name: str) -> bool:
    """Whether this browser may open that thing of a room above."""
    return name in current_grants(request).others


def has_access(request: HttpRequest, order: Order) -> bool:
    """Whether this browser may open this order, in part or whole; see `code_address`."""
    return order.pk in current_grants(request).orders


def granted_orders(request: HttpRequest) -> OrderQuerySet:
    """The orders that this request may see, newest first."""
    return Order.objects.filter(pk__in=list(current_grants(request).orders)).newest_first()


def open_orders(request: HttpRequest) -> list[Order]:
    """The orders that are open whole in this browser, with their stores, newest first."""
    granted = granted_orders(request).select_related("store")
    return [order for order in granted if not code_address(request, order)]


# --- The emailed code on top of a card ------------------------------------------------------------------------


def code_address(request: HttpRequest, order: Order) -> str:
    """The address to which a code went that must be entered before this order opens whole; else empty."""
    grant = current_grants(request).orders.get(order.pk)
    return grant.code_address if grant else ""


def await_code(request: HttpRequest, orders: Iterable[Order], address: str) -> None:
    """Let these granted orders open in part only, until the code is entered that went to this address."""
    _set_code_address(request, {order.pk for order in orders}, address)


def code_entered(request: HttpRequest, address: str) -> None:
    """Let every order open whole that waited for a code sent to this address."""
    waiting = {pk for pk, grant in current_grants(request).orders.items() if grant.code_address == address}
    _set_code_address(request, waiting, "")
    request.session.cycle_key()
    request.session.pop(CODE_KEY, None)


def _set_code_address(request: HttpRequest, order_ids: set[int], address: str) -> None:
    grants = current_grants(request)
    for order_id in order_ids & grants.orders.keys():
        grant = grants.orders[order_id]
        grants.orders[order_id] = Grant(grant.expires_at, grant.proof, address)
    request.session[SESSION_KEY] = grants.dump()


# --- Views that need an order ---------------------------------------------------------------------------------


def with_order(view: View) -> View:
    """Give a view of `<uuid:public_id>` its order, as `view(request, order)`.

    Without access, and without such an order, the answer is one and the same: the find page, which
    knows the way back. An order whose code is awaited leads to the page that takes it.
    """

    @with_found_order
    @wraps(view)
    def confirmed(request: HttpRequest, order: Order, **kwargs: Any) -> HttpResponse:
        if code_address(request, order):
            return HttpResponseRedirect(reverse("orders:code", args=[order.public_id]))
        return view(request, order, **kwargs)

    return confirmed


def with_found_order(view: View) -> View:
    """As `with_order`, for what opens before the emailed code: never serial numbers, invoice, downloads, returns."""

    @wraps(view)
    def guarded(request: HttpRequest, public_id: UUID, **kwargs: Any) -> HttpResponse:
        order = _granted_order(request, public_id)
        if order is None:
            back = request.path if request.method == "GET" else reverse("orders:order", args=[public_id])
            return find_page_for(back)
        return view(request, order, **kwargs)

    return guarded


def find_page_for(path: str) -> HttpResponseRedirect:
    """The answer to whoever may not open a page: find your order, and come back here."""
    return HttpResponseRedirect(f"{reverse('orders:find')}?{urlencode({'next': path})}")


def _granted_order(request: HttpRequest, public_id: UUID) -> Order | None:
    granted = current_grants(request).orders
    if not granted:
        return None
    return Order.objects.select_related("store").filter(pk__in=granted, public_id=public_id).first()


# --- The end --------------------------------------------------------------------------------------------------


def end_access(request: HttpRequest) -> None:
    """End the access on the server. What else the session holds (staff at the admin) stays."""
    session = request.session
    if SESSION_KEY not in session:
        return
    for key in (SESSION_KEY, LINK_KEY, CODE_KEY, CORRECTION_KEY):
        session.pop(key, None)
    if session.is_empty() or not list(session.keys()):
        session.flush()
    else:
        session.cycle_key()
