"""Rate limits: sliding windows in PostgreSQL, in which one atomic statement counts each attempt.

An attempt is counted before it is evaluated, so that a hundred simultaneous attempts cannot exceed the limit. A
successful attempt is removed from the count again with `restore`.
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
    """The maximum numbers of attempts in any 15 minutes (`short`) and in any 24 hours (`long`)."""

    short: int
    long: int


@dataclass(frozen=True)
class Attempts:
    """The number of attempts within the last 15 minutes (`short`) and the last 24 hours (`long`)."""

    short: int
    long: int


@dataclass(frozen=True)
class RateLimit:
    """A limit for one subject, such as an email address or an order, within a scope."""

    scope: str
    subject: str
    rate: Rate

    @property
    def key(self) -> str:
        """The primary key of the counter. The subject is hashed with a key, so that the table contains no addresses."""
        digest = hashlib.blake2b(
            self.subject.encode(errors="surrogatepass"), key=settings.SECRET_KEY.encode()[:64], digest_size=16
        )
        return f"{self.scope}:{digest.hexdigest()}"


# For one limit: keep its attempts of the last day, and add one if neither window is exhausted.
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
        ) AS checked
    )
    RETURNING allowed, tries
)"""
_COUNT = "count(*) FILTER (WHERE t > %s), count(*) FILTER (WHERE t > %s)"  # in the short and in the long window


def consume(limits: Sequence[RateLimit], now: datetime) -> bool:
    """Count one attempt against each limit, in sequence, up to the first that is exhausted, in one statement.

    Returns whether all limits allowed it. `now` also identifies the attempt for `restore`.
    """
    return all(consume_each(limits, now))


def consume_each(limits: Sequence[RateLimit], now: datetime) -> list[bool]:
    """Like `consume`, but return a result per limit. Limits after an exhausted one are not counted and return False."""
    parts, parameters = _consume_parts(limits, now)
    answers = ", ".join(f"(SELECT allowed FROM limit{index})" for index in range(len(limits)))  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {parts} SELECT {answers}", parameters)
        return [bool(allowed) for allowed in cursor.fetchone()]


def consume_and_count(limit: RateLimit, now: datetime) -> Attempts:
    """Like `consume`, but return how many attempts the counter holds after this one."""
    parts, parameters = _consume_parts([limit], now)
    statement = f"WITH {parts} SELECT {_COUNT} FROM limit0, unnest(tries) AS t"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, now - SHORT_WINDOW, now - LONG_WINDOW])
        return Attempts(*cursor.fetchone())


def _consume_parts(limits: Sequence[RateLimit], now: datetime) -> tuple[str, list[Any]]:
    """Return the parts of the WITH clause that count one attempt against each limit, and their parameters."""
    parts: list[str] = []
    parameters: list[Any] = []
    for index, limit in enumerate(limits):
        only_if = f"FROM limit{index - 1} AS earlier WHERE earlier.allowed" if index else ""
        parts.append(_CONSUME.format(name=f"limit{index}", only_if=only_if))
        parameters += [limit.key, now, now - SHORT_WINDOW, limit.rate.short, limit.rate.long, now - LONG_WINDOW]
    return ",".join(parts), parameters


def count_attempts(limits: Sequence[RateLimit], now: datetime) -> Attempts:
    """Return the total number of attempts in the counters of these limits, without counting one.

    If successful attempts were restored, this is the number of failures.
    """
    # Raw SQL, as everywhere in this module: every lookup executes it, and the ORM would take longer than PostgreSQL.
    statement = f"SELECT {_COUNT} FROM orders_ratelimitcounter, unnest(tries) AS t WHERE key = ANY(%s)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [now - SHORT_WINDOW, now - LONG_WINDOW, [limit.key for limit in limits]])
        return Attempts(*cursor.fetchone())


def next_attempt_at(limits: Sequence[RateLimit], now: datetime) -> datetime:
    """Return when all of these limits allow an attempt again; `now` if they do already. Doesn't count an attempt."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, tries FROM orders_ratelimitcounter WHERE key = ANY(%s)", [[limit.key for limit in limits]]
        )
        tries = dict(cursor.fetchall())
    moments = [now]
    for limit in limits:
        for size, window in ((limit.rate.short, SHORT_WINDOW), (limit.rate.long, LONG_WINDOW)):
            recent = sorted(tried for tried in tries.get(limit.key, ()) if tried > now - window)
            if len(recent) >= size:
                moments.append(recent[-size] + window)
    return max(moments)


def allows(limit: RateLimit, now: datetime) -> bool:
    """Whether a limit would allow an attempt, without counting one."""
    return next_attempt_at([limit], now) <= now


def restore(limits: Sequence[RateLimit], now: datetime) -> None:
    """Remove the attempt that `consume` counted with this `now`, because it succeeded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_ratelimitcounter SET tries = array_remove(tries, %s::timestamptz) WHERE key = ANY(%s)",
            [now, [limit.key for limit in limits]],
        )


def delete_stale_counters(now: datetime) -> int:
    """Delete counters without an attempt in the long window. Returns their number."""
    # The last attempt is the newest. A list is empty if all its attempts were restored.
    removed, _by_model = RateLimitCounter.objects.extra(
        where=["coalesce(tries[cardinality(tries)], '-infinity') < %s"], params=[now - LONG_WINDOW]
    ).delete()
    return removed
