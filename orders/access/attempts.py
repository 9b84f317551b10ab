"""The one way in which a secret is judged: counted first, then judged, then recorded for staff."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from orders.access.clients import client_address
from orders.access.grants import grant_access
from orders.card_numbers import mask_card_numbers
from orders.models import Attempt, Order
from orders.rate_limits import Rate, RateLimit, allows, consume, consume_each, restore

# Tries that failed from one client, for each way apart; above what a household or an office mistypes.
CLIENT_RATE = Rate(short=30, long=200)
# Cards that failed on the whole site, each of them judged, so over many addresses: the site is being enumerated.
SITE_CARD_LIMIT = RateLimit("site", "card", Rate(short=150, long=3000))

Outcome = Attempt.Outcome
Way = Attempt.Way


@dataclass(frozen=True)
class Lookup:
    """How a try ended. Orders only where it is FOUND, and then they are granted already."""

    outcome: Attempt.Outcome
    orders: list[Order] = field(default_factory=list)


def under_enumeration() -> bool:
    """Whether cards are being tried over many addresses just now, so that no card is judged at sight."""
    return not allows(SITE_CARD_LIMIT, timezone.now())


def attempt(
    request: HttpRequest,
    way: Attempt.Way,
    subject: str,
    limit: RateLimit,
    judge: Callable[[], list[Order]],
    *,
    judged: bool = True,
) -> Lookup:
    """Count a try, judge it, grant what it opens, and record it. Not judged at all where `judged` is false."""
    now = timezone.now()
    client = client_address(request)
    limits = [RateLimit(f"client-{way}", client, CLIENT_RATE), limit]
    client_allowed, subject_allowed = consume_each(limits, now)
    found: list[Order] = []
    if not client_allowed:
        outcome = Outcome.CLIENT_BLOCKED
    elif not judged or not subject_allowed:
        outcome = Outcome.RATE_LIMITED
    else:
        found = judge()
        outcome = Outcome.FOUND if found else Outcome.REFUSED
    if found:
        grant_access(request, found, way)
    with transaction.atomic():  # one write to disk; what was counted stands on disk already
        record(way, outcome, subject, client, len(found))
        if found:
            restore(limits, now)
        elif outcome == Outcome.REFUSED and way == Way.CARD:
            # Only what failed: the one row of the whole site stays out of the way of owners. Last, for others wait.
            consume([SITE_CARD_LIMIT], now)
    return Lookup(outcome, found)


def record(way: Attempt.Way, outcome: Attempt.Outcome, subject: str, client: str, orders_opened: int = 0) -> None:
    # An address without a key is shown as it was typed.
    shown = mask_card_numbers(subject.removeprefix("?").replace("\x00", ""))[: Attempt.SUBJECT_LENGTH]
    # Raw SQL, as in orders/rate_limits.py: every lookup passes here.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_attempt (at, way, outcome, subject, client, orders_opened)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [timezone.now(), way.value, outcome.value, shown, client, orders_opened],
        )
