"""Ends what browsers still have in their sessions about orders whose person was erased."""

from collections.abc import Collection
from typing import Any

from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from orders.access.grants import SESSION_KEY, STAFF_LOGIN_KEYS

BATCH_SIZE = 500


def end_sessions(order_ids: Collection[int], resources: Collection[str], staff_keys: Collection[str]) -> int:
    """Delete the sessions that opened one of these orders or resources, with what was typed in them.

    In the sessions of staff, only their login (`staff_keys`) stays. Reads all sessions, because they are indexed by
    nothing. Returns how many were ended.
    """
    orders, names, ended = set(map(str, order_ids)), set(resources), 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator(BATCH_SIZE):
        data = session.get_decoded()
        grants = data.get(SESSION_KEY) or {}
        if orders.isdisjoint(grants.get("orders", ())) and names.isdisjoint(grants.get("resources", ())):
            continue
        _end(session, data, staff_keys)
        ended += 1
    return ended


def _end(session: Session, data: dict[str, Any], staff_keys: Collection[str]) -> None:
    if auth.SESSION_KEY not in data:
        session.delete()
        return
    kept = {name: value for name, value in data.items() if name in STAFF_LOGIN_KEYS or name in staff_keys}
    session.session_data = SessionStore().encode(kept)
    session.save(update_fields=["session_data"])
