"""Rate limits: sliding windows in PostgreSQL, each try counted by one atomic statement.

A try is counted before its answer is looked for, so that a hundred tries at once are still no more than the
limit. What succeeds is taken off the count again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from orders.models import RateLimitCounter

SHORT_WINDOW = timedelta(minutes=15)
LONG_WINDOW = timedelta(days=1)


@dataclass(frozen=True)
class Rate:
    """At most so many tries in any 15 minutes, and in any 24 hours."""

    short: int
    long: int


@dataclass(frozen=True)
class RateLimit:
    """What is limited (`scope`), for whom or what (`subject`), and to how much (`rate`)."""

    scope: str
    subject: str
    rate: Rate

    @property
    def key(self) -> str:
        """Keyed, so that the table holds no addresses."""
        name = hashlib.blake2b(
            self.subject.encode(errors="surrogatepass"), key=settings.SECRET_KEY.encode()[:64], digest_size=16
        )
        return f"{self.scope}:{name.hexdigest()}"


# One limit: its tries of the last day are kept, and one is added if both windows have room.
_CONSUME = """
{name} AS (
    INSERT INTO orders_ratelimitcounter AS counter (key, tries, allowed)
    SELECT %s, ARRAY[%s::timestamptz], TRUE {only_if}
    ON CONFLICT (key) DO UPDATE SET (tries, allowed) = (
        SELECT CASE WHEN fits THEN recent || excluded.tries ELSE recent END, fits
        FROM (
            SELECT coalesce(array_agg(t), '{{}}') AS recent,
                   count(*) FILTER (WHERE t > %s) < %s AND count(*) < %s AS fits
            FROM unnest(counter.tries) AS t WHERE t > %s
        ) AS judged
    )
    RETURNING allowed
)"""


def consume(limits: Sequence[RateLimit], now: datetime) -> bool:
    """Count one try against each limit, in this order, up to the first that is exhausted; in one statement.

    Returns whether all of them allowed it. `now` also names the tries for `restore`.
    """
    return all(consume_each(limits, now))


def consume_each(limits: Sequence[RateLimit], now: datetime) -> list[bool]:
    """As `consume`, but tells of each limit; those behind an exhausted one were not touched, and count as exhausted."""
    parts: list[str] = []
    parameters: list[Any] = []
    for index, limit in enumerate(limits):
        only_if = f"FROM limit{index - 1} AS earlier WHERE earlier.allowed" if index else ""
        parts.append(_CONSUME.format(name=f"limit{index}", only_if=only_if))
        parameters += [limit.key, now, now - SHORT_WINDOW, limit.rate.short, limit.rate.long, now - LONG_WINDOW]
    answers = ", ".join(f"(SELECT allowed FROM limit{index})" for index in range(len(limits)))  # noqa: S608
    statement = f"WITH {','.join(parts)} SELECT {answers}"
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [bool(allowed) for allowed in cursor.fetchone()]


def allows(limit: RateLimit, now: datetime) -> bool:
    """Whether a limit has a try left. Counts none."""
    tries = _tries([limit])
    short = sum(tried > now - SHORT_WINDOW for tried in tries)
    long = sum(tried > now - LONG_WINDOW for tried in tries)
    return short < limit.rate.short and long < limit.rate.long


def failures(limits: Sequence[RateLimit], now: datetime) -> int:
    """How many tries of the last day count against these limits together; successes were restored."""
    return sum(tried > now - LONG_WINDOW for tried in _tries(limits))


def _tries(limits: Sequence[RateLimit]) -> list[datetime]:
    # Raw SQL, as in all of this module: every lookup passes here, and the ORM takes longer than PostgreSQL.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tries FROM orders_ratelimitcounter WHERE key = ANY(%s)", [[limit.key for limit in limits]]
        )
        return [tried for (tries,) in cursor.fetchall() for tried in tries]


def restore(limits: Sequence[RateLimit], now: datetime) -> None:
    """Take the try that was counted at this very moment off again: it succeeded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_ratelimitcounter SET tries = array_remove(tries, %s::timestamptz) WHERE key = ANY(%s)",
            [now, [limit.key for limit in limits]],
        )


def delete_old(now: datetime) -> int:
    """Remove counters that nobody touched within the longest window. Returns how many."""
    # The last try is the newest; an empty list was restored whole.
    removed, _by_model = RateLimitCounter.objects.extra(
        where=["coalesce(tries[cardinality(tries)], '-infinity') < %s"], params=[now - LONG_WINDOW]
    ).delete()
    return removed
