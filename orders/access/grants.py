"""Grants: which orders a browser may open, stored in the server-side session and bound to order ids.

A grant ends after 30 idle minutes, after 8 hours, when the person signs out, or when all access to its order is ended
(`Order.access_generation`). The session key changes whenever a grant is given, which prevents session fixation.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import reduce, wraps
from operator import or_
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from orders.models import Attempt, Order, OrderQuerySet

IDLE_TIMEOUT = timedelta(minutes=30)
GRANT_LIFETIME = timedelta(hours=8)
# The time of the last request is saved at most this often, so that not every page writes the session. The idle timeout
# can therefore occur up to a minute early.
SEEN_RESOLUTION = timedelta(minutes=1)

SESSION_KEY = "grants"
# Session keys that are deleted when access ends: the link and the code that were used, and a pending correction.
LINK_KEY, CODE_KEY, CORRECTION_KEY = "link", "code", "correction"

# Proofs that allow actions on money and access: an emailed link, and information that only the owner of the order has.
# The last four digits of a card are not among them.
CONFIRMING_PROOFS = frozenset({Attempt.Method.NUMBER, Attempt.Method.LINK, Attempt.Method.CORRECTION})

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Grant:
    """Permission of a browser to open something until `expires_at`, and the proof that it is based on.

    It is valid only as long as the order, or the order of the resource, has the same `access_generation`.

    While `needs_code` is set, access is restricted until the code emailed to the order's address is entered. Until
    `confirmed_until`, actions on money or access are also allowed (see `is_owner_confirmed`). Both times are seconds
    since the epoch, because sessions are JSON.
    """

    expires_at: float
    proof: str
    confirmed_until: float = 0.0
    needs_code: bool = False
    generation: int = 0

    @classmethod
    def from_session(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def to_session(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Grants:
    """All grants of a session: for orders by id, and for resources of other apps by name, such as `thread:7`."""

    seen_at: float
    orders: dict[int, Grant]
    resources: dict[str, Grant]

    def to_session(self) -> dict[str, Any]:
        return {
            "seen_at": self.seen_at,
            "orders": {str(order_id): grant.to_session() for order_id, grant in self.orders.items()},
            "resources": {name: grant.to_session() for name, grant in self.resources.items()},
        }


def current_grants(request: HttpRequest) -> Grants:
    """Return the valid grants. Ends access if the session was idle for too long; otherwise records the activity."""
    now = timezone.now().timestamp()
    stored = request.session.get(SESSION_KEY)
    if stored and now - stored["seen_at"] >= IDLE_TIMEOUT.total_seconds():
        end_access(request)
        stored = None
    if not stored:
        return Grants(now, {}, {})
    if now - stored["seen_at"] >= SEEN_RESOLUTION.total_seconds():
        stored["seen_at"] = now
        request.session.modified = True
    orders = {int(order_id): Grant.from_session(grant) for order_id, grant in stored["orders"].items()}
    resources = {name: Grant.from_session(grant) for name, grant in stored["resources"].items()}
    return Grants(
        seen_at=stored["seen_at"],
        orders={order_id: grant for order_id, grant in orders.items() if grant.expires_at > now},
        resources={name: grant for name, grant in resources.items() if grant.expires_at > now},
    )


def grant_access(request: HttpRequest, orders: Iterable[Order], proof: Attempt.Method) -> None:
    """Give this browser access to these orders. The caller has verified the proof for them as they were loaded.

    Orders confirmed by an earlier, stronger proof stay confirmed for as long as that proof is valid.
    """
    grants = current_grants(request)
    for order in orders:
        new, earlier = _new_grant(proof, order), grants.orders.get(order.pk)
        if earlier is not None and earlier.generation == new.generation:
            new = replace(new, confirmed_until=max(new.confirmed_until, earlier.confirmed_until))
        grants.orders[order.pk] = new
    _renew_session(request, grants)


def grant_resource_access(request: HttpRequest, name: str, proof: str, order: Order | None) -> None:
    """Give this browser access to a resource of another app, named like `thread:7`, for as long as to an order.

    The caller has verified the proof. `order` is the one that the resource is about. See `has_resource_access`.
    """
    grants = current_grants(request)
    grants.resources[name] = _new_grant(proof, order)
    _renew_session(request, grants)


def _new_grant(proof: str, order: Order | None) -> Grant:
    expires_at = (timezone.now() + GRANT_LIFETIME).timestamp()
    confirmed_until = expires_at if proof in CONFIRMING_PROOFS else 0.0
    return Grant(expires_at, str(proof), confirmed_until=confirmed_until, generation=_generation(order))


def _generation(order: Order | None) -> int:
    return order.access_generation if order is not None else 0


def _renew_session(request: HttpRequest, grants: Grants) -> None:
    """Save the grants under a new session key."""
    if request.session.session_key:
        request.session.cycle_key()
    grants.seen_at = timezone.now().timestamp()
    request.session[SESSION_KEY] = grants.to_session()


def has_open_orders(request: HttpRequest) -> bool:
    """Whether this browser may open any order, for links on every page. Makes no query.

    The orders themselves may refuse, because access to them may have been ended since.
    """
    session = getattr(request, "session", None)  # a request may fail before it has one
    stored = session.get(SESSION_KEY) if session is not None else None
    if not stored:
        return False
    now = timezone.now().timestamp()
    is_idle = now - stored["seen_at"] >= IDLE_TIMEOUT.total_seconds()
    return not is_idle and any(grant["expires_at"] > now for grant in stored["orders"].values())


def has_resource_access(request: HttpRequest, name: str, order: Order | None) -> bool:
    """Whether this browser may open this resource of another app, which is about this order."""
    grant = current_grants(request).resources.get(name)
    return grant is not None and grant.generation == _generation(order)


def granted_orders(request: HttpRequest) -> OrderQuerySet:
    """Return the orders that this browser may open, newest first."""
    ids: dict[int, list[int]] = {}
    for order_id, grant in current_grants(request).orders.items():
        ids.setdefault(grant.generation, []).append(order_id)
    granted = [Q(pk__in=order_ids, access_generation=generation) for generation, order_ids in ids.items()]
    return Order.objects.filter(reduce(or_, granted)).newest_first() if granted else Order.objects.none()


def fully_open_orders(request: HttpRequest) -> list[Order]:
    """Return the orders that this browser may open without restriction, with their stores, newest first."""
    granted = granted_orders(request).select_related("store")
    return [order for order in granted if not needs_code(request, order)]


# --- The emailed code in addition to a card ------------------------------------------------------------------------


def needs_code(request: HttpRequest, order: Order) -> bool:
    """Whether access to this granted order is restricted until an emailed code is entered."""
    grant = current_grants(request).orders.get(order.pk)
    return grant is not None and grant.needs_code


def is_owner_confirmed(request: HttpRequest, order: Order) -> bool:
    """Whether this browser also allows actions on money or access of this order, such as naming a payout account.

    A card alone isn't enough. Order number and password, an emailed link, or an emailed code are.
    """
    now = timezone.now().timestamp()
    grant = current_grants(request).orders.get(order.pk)
    if grant is None or grant.generation != order.access_generation:
        return False
    return not grant.needs_code and grant.confirmed_until > now


def require_code_for(request: HttpRequest, orders: Iterable[Order]) -> None:
    """Restrict these granted orders until an emailed code is entered."""
    grants = current_grants(request)
    for order_id in {order.pk for order in orders} & grants.orders.keys():
        grants.orders[order_id] = replace(grants.orders[order_id], needs_code=True)
    request.session[SESSION_KEY] = grants.to_session()


def confirm_owner(request: HttpRequest, email_key: str) -> None:
    """Lift all restrictions from the granted orders of this address. The caller has verified a code sent to it."""
    grants = current_grants(request)
    confirmed = Order.objects.for_email_key(email_key).filter(pk__in=list(grants.orders))
    for order_id, generation in confirmed.values_list("pk", "access_generation"):
        grant = grants.orders[order_id]
        if grant.generation == generation:
            grants.orders[order_id] = replace(grant, confirmed_until=grant.expires_at, needs_code=False)
    request.session.pop(CODE_KEY, None)
    _renew_session(request, grants)


# --- View decorators ---------------------------------------------------------------------------------


def with_order(view: View) -> View:
    """Decorate a view of `<uuid:public_id>`: it is called as `view(request, order)`, if the browser has access.

    Without access, and if there is no such order, the response is the same: a redirect to the find page, which returns
    here afterwards. An order that still requires an emailed code redirects to the page that asks for it.
    """

    @with_unconfirmed_order
    @wraps(view)
    def confirmed(request: HttpRequest, order: Order, **kwargs: Any) -> HttpResponse:
        if needs_code(request, order):
            return redirect_to_code_page(order)
        return view(request, order, **kwargs)

    return confirmed


def with_unconfirmed_order(view: View) -> View:
    """Like `with_order`, but also before the emailed code was entered.

    Such a view must not show serial numbers, the invoice, downloads or returns.
    """

    @wraps(view)
    def guarded(request: HttpRequest, public_id: UUID, **kwargs: Any) -> HttpResponse:
        order = _granted_order(request, public_id)
        if order is None:
            back = request.path if request.method == "GET" else reverse("orders:order", args=[public_id])
            return redirect_to_find_page(back)
        return view(request, order, **kwargs)

    return guarded


def redirect_to_find_page(path: str) -> HttpResponseRedirect:
    """Redirect to the find page, which returns to this path once the order was found."""
    return HttpResponseRedirect(f"{reverse('orders:find')}?{urlencode({'next': path})}")


def redirect_to_code_page(order: Order, next_path: str = "") -> HttpResponseRedirect:
    """Redirect to the page that emails a code and asks for it. It continues to `next_path`, or to the order."""
    path = reverse("orders:code", args=[order.public_id])
    return HttpResponseRedirect(f"{path}?{urlencode({'next': next_path})}" if next_path else path)


def _granted_order(request: HttpRequest, public_id: UUID) -> Order | None:
    granted = current_grants(request).orders
    if not granted:
        return None
    order = Order.objects.select_related("store").filter(pk__in=granted, public_id=public_id).first()
    is_granted = order is not None and granted[order.pk].generation == order.access_generation
    return order if is_granted else None


# --- Signing out --------------------------------------------------------------------------------------------------


# Kept in the session when signing out: the staff login to the admin.
STAFF_LOGIN_KEYS = frozenset({auth.SESSION_KEY, auth.BACKEND_SESSION_KEY, auth.HASH_SESSION_KEY})


def end_access(request: HttpRequest) -> None:
    """End access on the server, and delete everything from the session except the staff login.

    This includes data of any app, such as form input.
    """
    session = request.session
    staff_login = STAFF_LOGIN_KEYS | set(settings.STAFF_SESSION_KEYS) if auth.SESSION_KEY in session else set()
    forgotten = set(session.keys()) - staff_login
    if not forgotten:
        return
    for key in forgotten:
        del session[key]
    if session.keys():
        session.cycle_key()
    else:
        session.flush()
