"""The lock that makes imports and undos write one after the other."""

from django.db import connection

# The key of the advisory lock. It ensures that no two imports create the same order.
IMPORT_LOCK = 0x696D706F7274


def lock_imports() -> None:
    """Wait until no other import or undo is writing, and block others until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
