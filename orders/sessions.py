"""Django's sessions in the database, with fewer statements.

The same rows, written and read as `django.contrib.sessions.backends.db` does, whose commands and
clean-up go on working. Every page of an order begins with one read, every lookup ends with one write.
"""

from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django.utils.crypto import get_random_string

from orders.asked_often import AskedOften

KEY_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
KEY_LENGTH = 32  # 165 bits: nobody meets another's

_live_session = AskedOften(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now),
    "session key",
    datetime(2000, 1, 1, tzinfo=timezone.get_default_timezone()),
)


class SessionStore(DatabaseSessionStore):
    def _get_session_from_db(self) -> Session | None:
        found = _live_session(self.session_key, timezone.now())
        if found:
            return found[0]
        self._session_key = None
        return None

    def _get_new_session_key(self) -> str:
        # Without asking whether it is taken: `save` finds that out by itself.
        return get_random_string(KEY_LENGTH, KEY_LETTERS)

    def save(self, must_create: bool = False) -> None:
        """Write the session by one statement. Raises CreateError where the key is taken, UpdateError where it ended."""
        if self.session_key is None:
            self.create()
            return
        row = self.create_model_instance(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if must_create:
            statement = (
                "INSERT INTO django_session (session_data, expire_date, session_key) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING"
            )
        else:
            statement = "UPDATE django_session SET session_data = %s, expire_date = %s WHERE session_key = %s"
        if not _wrote(statement, [row.session_data, row.expire_date, row.session_key]):
            raise CreateError if must_create else UpdateError


def _wrote(statement: str, parameters: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return bool(cursor.rowcount)
