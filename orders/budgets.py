"""How often something may be tried: sliding windows in PostgreSQL, reserved by one atomic statement.

A try is reserved before its answer is looked for, so that a hundred tries at once are still no more
than the limit. What succeeds is given back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from orders.models import Budget

SHORT_WINDOW = timedelta(minutes=15)
LONG_WINDOW = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """At most so many in any 15 minutes, and in any 24 hours."""

    short: int
    long: int


@dataclass(frozen=True)
class Purse:
    """One budget: what is limited, for whom, and how much."""

    scope: str
    whom: str
    limit: Limit

    @property
    def key(self) -> str:
        """Keyed, so that the table holds no addresses."""
        name = hashlib.blake2b(
            self.whom.encode(errors="surrogatepass"), key=settings.SECRET_KEY.encode()[:64], digest_size=16
        )
        return f"{self.scope}:{name.hexdigest()}"


# One purse: its tries of the last day are kept, and one is added if both windows have room.
_CHARGE = """
{name} AS (
    INSERT INTO orders_budget AS budget (key, tries, allowed)
    SELECT %s, ARRAY[%s::timestamptz], TRUE {only_if}
    ON CONFLICT (key) DO UPDATE SET (tries, allowed) = (
        SELECT CASE WHEN fits THEN recent || excluded.tries ELSE recent END, fits
        FROM (
            SELECT coalesce(array_agg(t), '{{}}') AS recent,
                   count(*) FILTER (WHERE t > %s) < %s AND count(*) < %s AS fits
            FROM unnest(budget.tries) AS t WHERE t > %s
        ) AS judged
    )
    RETURNING allowed
)"""


def reserve(purses: Sequence[Purse], now: datetime) -> bool:
    """Take one try out of each purse, in this order, up to the first that is empty; in one statement.

    Returns whether all had one left. `now` also names the tries for `give_back`.
    """
    return all(reserve_each(purses, now))


def reserve_each(purses: Sequence[Purse], now: datetime) -> list[bool]:
    """As `reserve`, but tells of each purse; those behind an empty one were not touched, and count as empty."""
    charges: list[str] = []
    parameters: list[Any] = []
    for index, purse in enumerate(purses):
        only_if = f"FROM purse{index - 1} AS earlier WHERE earlier.allowed" if index else ""
        charges.append(_CHARGE.format(name=f"purse{index}", only_if=only_if))
        parameters += [purse.key, now, now - SHORT_WINDOW, purse.limit.short, purse.limit.long, now - LONG_WINDOW]
    answers = ", ".join(f"(SELECT allowed FROM purse{index})" for index in range(len(purses)))  # noqa: S608
    statement = f"WITH {','.join(charges)} SELECT {answers}"
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [bool(allowed) for allowed in cursor.fetchone()]


def has_room(purse: Purse, now: datetime) -> bool:
    """Whether a purse has a try left. Takes none."""
    tries = _tries([purse])
    short = sum(tried > now - SHORT_WINDOW for tried in tries)
    long = sum(tried > now - LONG_WINDOW for tried in tries)
    return short < purse.limit.short and long < purse.limit.long


def failures(purses: Sequence[Purse], now: datetime) -> int:
    """How many tries of the last day stand in these purses together; successes were given back."""
    return sum(tried > now - LONG_WINDOW for tried in _tries(purses))


def _tries(purses: Sequence[Purse]) -> list[datetime]:
    # By hand, as all of this module: every lookup passes here, and the ORM takes longer than PostgreSQL.
    with connection.cursor() as cursor:
        cursor.execute("SELECT tries FROM orders_budget WHERE key = ANY(%s)", [[purse.key for purse in purses]])
        return [tried for (tries,) in cursor.fetchall() for tried in tries]


def give_back(purses: Sequence[Purse], now: datetime) -> None:
    """Put back what was taken at this very moment: it succeeded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_budget SET tries = array_remove(tries, %s::timestamptz) WHERE key = ANY(%s)",
            [now, [purse.key for purse in purses]],
        )


def forget_old(now: datetime) -> int:
    """Remove budgets that nobody touched within the longest window. Returns how many."""
    # The last try is the newest; an empty list was given back whole.
    removed, _by_model = Budget.objects.extra(
        where=["coalesce(tries[cardinality(tries)], '-infinity') < %s"], params=[now - LONG_WINDOW]
    ).delete()
    return removed
