"""Time limits of queries: of a search, and of counting the rows of a list."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg2.errors import QueryCanceled

# A search is fast if it can use its indexes. These limits are for a cold or overloaded database.
STATEMENT_SECONDS = 0.25
SEARCH_SECONDS = 1.0  # no query starts later than this

T = TypeVar("T")


class TimeLimit:
    """Runs queries within the limits, and remembers whether one was skipped or stopped."""

    def __init__(self) -> None:
        self.was_exceeded = False
        self._ends_at = time.monotonic() + SEARCH_SECONDS
        self._transaction = ExitStack()
        self._begin()

    def load(self, rows: Callable[[], Iterable[T]]) -> list[T]:
        """Return the rows; none if the time is up."""
        if time.monotonic() > self._ends_at:
            self.was_exceeded = True
            return []
        try:
            return list(rows())
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            self.was_exceeded = True
            # PostgreSQL accepts no more queries in this transaction.
            self.end()
            self._begin()
            return []

    def _begin(self) -> None:
        self._transaction.enter_context(transaction.atomic())
        with connection.cursor() as cursor:
            # Sequential scans would take too long in large tables.
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', 'off', true),"
                " set_config('jit', 'off', true)",
                [str(round(STATEMENT_SECONDS * 1000))],
            )

    def end(self) -> None:
        transaction.set_rollback(True)  # also resets the settings if there is an outer transaction
        self._transaction.close()


@contextmanager
def time_limit() -> Iterator[TimeLimit]:
    """Limit the queries of this block, which must only read."""
    limit = TimeLimit()
    try:
        yield limit
    finally:
        limit.end()
