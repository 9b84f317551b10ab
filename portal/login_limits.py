"""Rate limits of the staff login. django-axes calls this handler before a password or a code of the second factor is
checked, and keeps the records.

A browser in which someone has signed in before is recognized by a signed cookie, and has its own limit. All others
share the limits of their client and of the user name, so that guessing from many addresses ends, too. Someone who uses
up the limit of a name locks out only new browsers, never the one that its owner uses every day. (OWASP: Slow Down
Online Guessing Attacks with Device Cookies.)

Existing and unknown names are counted in the same way and get the same responses.
"""

import hashlib
import ipaddress
import secrets
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from orders.access import client_address
from orders.http import TOO_MANY_REQUESTS
from orders.models import RateLimitCounter
from orders.rate_limits import SHORT_WINDOW, Rate, RateLimit, consume, restore

# Failed attempts of one client, across all names: more than an office mistypes.
CLIENT_RATE = Rate(short=30, long=200)
CLIENT_AND_NAME_RATE = Rate(short=5, long=20)
# Failed attempts for one name, across all clients. NIST SP 800-63B allows no more than 100 in a row.
NAME_RATE = Rate(short=20, long=100)
KNOWN_BROWSER_RATE = Rate(short=5, long=20)
SCOPE = "staff-login"

COOKIE_LIFETIME = 365 * 24 * 3600  # seconds
NAMES_PER_BROWSER = 5  # the most recent names that signed in with a shared browser
_SALT = "portal.known_browser"


class LoginLimitHandler(AxesDatabaseHandler):
    """See settings.AXES_HANDLER."""

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Count an attempt, and return whether its password may be checked."""
        now = timezone.now()
        limits = _limits(request, str((credentials or {}).get("username") or ""))
        request.login_attempt = limits, now  # type: ignore[attr-defined]
        allowed = consume(limits, now)
        # For axes' middleware, which responds with `refused`. Also marks the refusal as not an attempt to be recorded.
        request.axes_locked_out = not allowed  # type: ignore[attr-defined]
        return allowed

    def user_logged_in(self, sender: Any, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
        super().user_logged_in(sender, request, user, **kwargs)
        accept_attempt(request, user)

    def reset_attempts(self, *, username: str | None = None, **kwargs: Any) -> int:
        """Delete failed attempts: `manage.py axes_reset` and `axes_reset_username` end a refusal immediately."""
        counters = RateLimitCounter.objects.filter(key__startswith=f"{SCOPE}-")
        if username:
            counters = counters.filter(key=_name_limit(username).key)
        count, _by_model = counters.delete()
        return count + int(super().reset_attempts(username=username, **kwargs))


def accept_attempt(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Don't count this attempt: it was right. `remember_browser` then marks the browser as known.

    Called when the password was right, although the second factor follows: its codes are counted by themselves.
    """
    limits, now = getattr(request, "login_attempt", ((), None))
    if now is not None:
        restore(limits, now)
        request.signed_in_name = user.get_username()  # type: ignore[attr-defined]


def _limits(request: HttpRequest, name: str) -> list[RateLimit]:
    browser = _read_cookie(request)
    if _fingerprint(browser[0], name) in browser[1]:
        return [RateLimit(f"{SCOPE}-browser", f"{browser[0]} {name}", KNOWN_BROWSER_RATE)]
    client = client_address(request)
    return [
        RateLimit(f"{SCOPE}-client", client, CLIENT_RATE),
        RateLimit(f"{SCOPE}-client-name", f"{client} {name}", CLIENT_AND_NAME_RATE),
        _name_limit(name),
    ]


def _name_limit(name: str) -> RateLimit:
    return RateLimit(f"{SCOPE}-name", name, NAME_RATE)


def stored_client(request: HttpRequest) -> str | None:
    """Return the client for the login record's IP address column: for an IPv6 client, its network's address."""
    address = client_address(request).partition("/")[0]
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None  # "unknown"


def refused(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None = None) -> HttpResponse:
    """Return the response to an attempt that was not evaluated; see settings.AXES_LOCKOUT_CALLABLE."""
    refusal = render(request, "portal/login_refused.html", status=TOO_MANY_REQUESTS)
    refusal["Retry-After"] = str(int(SHORT_WINDOW.total_seconds()))
    return refusal


# --- Known browsers --------------------------------------------------------------------------------------


def remember_browser(request: HttpRequest, response: HttpResponse) -> None:
    """Mark the browser as known for the name that has just signed in, if there is one."""
    name = getattr(request, "signed_in_name", None)
    if name is None:
        return
    browser, names = _read_cookie(request)
    fingerprint = _fingerprint(browser, name)
    names = [fingerprint, *(each for each in names if each != fingerprint)][:NAMES_PER_BROWSER]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps([browser, names], salt=_SALT),
        max_age=COOKIE_LIFETIME,
        path=reverse("admin:index"),
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )


def _read_cookie(request: HttpRequest) -> tuple[str, list[str]]:
    """Return the browser's id, and the fingerprints of the names that have signed in with it. A new
    id if it has none.
    """
    try:
        browser, names = signing.loads(
            request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, ""), salt=_SALT, max_age=COOKIE_LIFETIME
        )
    except signing.BadSignature:
        return secrets.token_urlsafe(16), []
    return browser, names


def _fingerprint(browser: str, name: str) -> str:
    """Return the fingerprint of a name for the cookie, which other users of the browser can read."""
    return hashlib.sha256(f"{browser} {name}".encode()).hexdigest()[:16]
