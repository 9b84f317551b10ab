"""Evaluates a secret: the attempt is counted first, then evaluated, then recorded for staff."""

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

# Failed attempts of one client, per method: more than a household or an office mistypes.
CLIENT_RATE = Rate(short=30, long=200)
# Failed attempts by card on the whole site. The limit of each address bounds how many of them it can contribute, so
# when this one is exhausted, cards are being tried against many addresses.
SITE_CARD_LIMIT = RateLimit("site", "card", Rate(short=150, long=3000))

Outcome = Attempt.Outcome
Method = Attempt.Method


@dataclass(frozen=True)
class LookupResult:
    """The result of an attempt. It has orders only if the outcome is FOUND, and they are already granted."""

    outcome: Attempt.Outcome
    orders: list[Order] = field(default_factory=list)


def under_enumeration() -> bool:
    """Whether cards are being tried against many addresses at present, so that a proof of work is required."""
    return not allows(SITE_CARD_LIMIT, timezone.now())


def attempt_lookup(
    request: HttpRequest,
    method: Attempt.Method,
    subject: str,
    limit: RateLimit,
    find_orders: Callable[[], list[Order]],
    *,
    may_evaluate: bool = True,
) -> LookupResult:
    """Count an attempt, evaluate it with `find_orders`, grant access to the orders found, and record the outcome.

    If `may_evaluate` is false, the attempt is counted and refused without evaluation.
    """
    now = timezone.now()
    client = client_address(request)
    limits = [RateLimit(f"client-{method}", client, CLIENT_RATE), limit]
    client_allowed, subject_allowed = consume_each(limits, now)
    found: list[Order] = []
    if not client_allowed:
        outcome = Outcome.CLIENT_BLOCKED
    elif not may_evaluate or not subject_allowed:
        outcome = Outcome.RATE_LIMITED
    else:
        found = find_orders()
        outcome = Outcome.FOUND if found else Outcome.REFUSED
    if found:
        grant_access(request, found, method)
    with transaction.atomic():  # one flush to disk; the counters above are already committed
        record_attempt(method, outcome, subject, client, len(found))
        if found:
            restore(limits, now)
        elif outcome == Outcome.REFUSED and method == Method.CARD:
            # Failures only, so that owners never wait for the lock of this row, which the whole site shares. Last in
            # the transaction, to hold that lock for a short time.
            consume([SITE_CARD_LIMIT], now)
    return LookupResult(outcome, found)


def record_attempt(
    method: Attempt.Method, outcome: Attempt.Outcome, subject: str, client: str, orders_opened: int = 0
) -> None:
    """Insert a row for staff. Card numbers in the subject are masked."""
    # The prefix "?" marks an email address without a key; it is recorded as it was typed.
    masked_subject = mask_card_numbers(subject.removeprefix("?").replace("\x00", ""))[: Attempt.SUBJECT_LENGTH]
    # Raw SQL for speed, as in orders/rate_limits.py: every lookup executes this.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_attempt (at, method, outcome, subject, client, orders_opened)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [timezone.now(), method.value, outcome.value, masked_subject, client, orders_opened],
        )
