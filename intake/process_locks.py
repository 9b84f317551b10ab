"""Locks that a process holds for longer than a transaction, and that end with the process at the latest.

Each is a lock of a transaction that stays open on a connection of its own. It would be simpler to lock the session of
the shared connection, but behind a pooler such as PgBouncer every transaction may get another session. The transaction
reads no table, so it keeps nothing else from working.
"""

from contextlib import suppress

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper

_held: dict[tuple[int, int], BaseDatabaseWrapper] = {}


def open_transaction() -> BaseDatabaseWrapper:
    """Return a new connection to the default database, with an open transaction. Close it to end both."""
    opened = connection.copy()
    opened.set_autocommit(False)
    return opened


def try_lock(space: int, number: int) -> bool:
    """Take a lock until `unlock`, or the end of the process. False if it is already held.

    `space` tells what `number` counts; both are keys of an advisory lock in PostgreSQL.
    """
    holder = open_transaction()
    is_taken = False
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [space, number])
            is_taken = bool(cursor.fetchone()[0])
    finally:
        if not is_taken:
            holder.close()
    if is_taken:
        _held[space, number] = holder
    return is_taken


def unlock(space: int, number: int) -> None:
    """Release a lock that this process holds. Does nothing if it holds none."""
    holder = _held.pop((space, number), None)
    if holder is not None:
        with suppress(Error):  # if the database is gone, the lock is free
            holder.rollback()  # PostgreSQL notices a closed connection only a moment later
        with suppress(Error):
            holder.close()
