"""The sessions of staff: which browsers are signed in, since when, and ending them.

A session ends by deleting Django's row of it. Changing a password ends all other sessions of the user, which is
Django's own doing: each session contains a hash of the password.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp import DEVICE_ID_SESSION_KEY

from desk.models import StaffSession

END_PERMISSION = "desk.end_staffsession"
SEEN_EVERY = timedelta(minutes=5)
_ENTRY = "desk_staff_session"  # in the session: its key, and when it was last seen


def is_verified(request: HttpRequest) -> bool:
    """Whether the session was signed in with the second factor. Not needed in the demo."""
    return settings.DEMO or DEVICE_ID_SESSION_KEY in request.session


def remember_session(request: HttpRequest) -> None:
    """Store that a session of staff was seen, at most every five minutes. Otherwise, this makes no query."""
    if not request.user.is_authenticated:
        return
    key, entry = request.session.session_key, request.session.get(_ENTRY)
    if not entry or entry[0] != key or timezone.now().timestamp() - entry[1] >= SEEN_EVERY.total_seconds():
        remember_login(None, request, request.user)


def remember_login(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Store a session that was just signed in, or has a new key. A receiver of Django's signal."""
    if request.session.session_key is None:  # Django ended the session of somebody else, and hasn't stored the new one
        request.session.create()
    key, now = request.session.session_key, timezone.now()
    fields = {"user_id": user.pk, "browser": describe_browser(request)}
    StaffSession.objects.update_or_create(
        session_key=key, defaults=fields | {"last_seen_at": now}, create_defaults=fields
    )
    request.session[_ENTRY] = [key, now.timestamp()]


def forget_session(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Delete what is stored about a session that is signed out. A receiver of Django's signal."""
    StaffSession.objects.filter(session_key=request.session.session_key or "").delete()


@dataclass(frozen=True)
class ShownSession:
    pk: int
    started_at: datetime
    last_seen_at: datetime
    browser: str
    is_current: bool


def load_sessions(user: User, current_key: str | None = None) -> list[ShownSession]:
    """Return the sessions in which the user is signed in, last seen first. `current_key` is the key of this one."""
    return [
        ShownSession(row.pk, row.started_at, row.last_seen_at, row.browser, row.session_key == current_key)
        for row in _live_rows(user)
    ]


def end_session(user: User, pk: int) -> bool:
    """End one session of the user. Returns whether there was one."""
    return _end(StaffSession.objects.filter(user=user, pk=pk)) > 0


def end_sessions(user: User, *, except_key: str | None = None) -> int:
    """End all sessions of the user, or all others. Returns how many."""
    return _end(StaffSession.objects.filter(user=user).exclude(session_key=except_key or ""))


def may_end(by: Any, user: User) -> bool:
    """Whether staff may end the sessions of another user."""
    return bool(by.has_perm(END_PERMISSION)) and (by.is_superuser or not user.is_superuser)


def delete_ended_sessions() -> int:
    """Delete the rows of sessions that Django no longer has. Returns how many."""
    deleted, _by_model = StaffSession.objects.exclude(_is_live()).delete()
    return deleted


def _is_live() -> Exists:
    return Exists(Session.objects.filter(pk=OuterRef("session_key"), expire_date__gt=timezone.now()))


def _live_rows(user: User) -> list[StaffSession]:
    rows = list(StaffSession.objects.filter(_is_live(), user=user).order_by("-last_seen_at", "-pk"))
    stored = Session.objects.in_bulk([row.session_key for row in rows])
    return [row for row in rows if row.session_key in stored and _opens(stored[row.session_key], user)]


def _opens(session: Session, user: User) -> bool:
    """Whether Django still accepts the session: its hash must be of the current password."""
    data = session.get_decoded()
    if data.get(SESSION_KEY) != str(user.pk):
        return False
    hashes: Iterable[str] = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(data.get(HASH_SESSION_KEY, ""), each) for each in hashes)


def _end(rows: Any) -> int:
    with transaction.atomic():
        keys = list(rows.values_list("session_key", flat=True))
        ended, _by_model = Session.objects.filter(pk__in=keys).delete()
        StaffSession.objects.filter(session_key__in=keys).delete()
    return ended


# --- Browsers ---------------------------------------------------------------------------------------------------------

# The first that matches: browsers name their predecessors, too.
_BROWSERS = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/|Chromium/", "Chrome"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"Android", "Android"),
    (r"iPhone|iPad|iPod", "iOS"),
    (r"CrOS", "ChromeOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux", "Linux"),
)


def describe_browser(request: HttpRequest) -> str:
    """Return browser and system in words, or an empty text. Nothing else of the header is stored."""
    agent = request.META.get("HTTP_USER_AGENT", "")[:500]
    found = [
        next((name for pattern, name in names if re.search(pattern, agent)), "") for names in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, found))
