"""Evaluates a secret: the attempt is counted first, then evaluated, then recorded for staff."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from orders.access.clients import client_address
from orders.access.grants import grant_access
from orders.card_numbers import mask_card_numbers
from orders.models import Attempt, Order
from orders.rate_limits import (
    SHORT_WINDOW,
    Attempts,
    Rate,
    RateLimit,
    consume,
    consume_and_count,
    consume_each,
    count_attempts,
    next_attempt_at,
    restore,
)

logger = logging.getLogger(__name__)

# Failed attempts of one client, per method: more than a household or an office mistypes.
CLIENT_RATE = Rate(short=30, long=200)
# Failed attempts by card on the whole site are counted up to this multiple of their limit. At that point, the proof of
# work has its highest difficulty, and the counter stops growing.
MAX_SITE_EXCESS = 2
# The share of the site's daily limit that may fail within 15 minutes.
SITE_SHORT_PART = 5
# How often the log warns that the site's limit was reached: attempts leave the window, so it can be reached repeatedly.
# Simultaneous attempts may skip a number, so the next ones warn, too.
SITE_WARNING_RATE = Rate(short=1, long=24)
SITE_WARNING_ATTEMPTS = 3

Outcome = Attempt.Outcome
Method = Attempt.Method


@dataclass(frozen=True)
class LookupResult:
    """The result of an attempt. It has orders only if the outcome is FOUND, and they are already granted.

    If a rate limit refused the attempt, `retry_at` is when the next one will be evaluated.
    """

    outcome: Attempt.Outcome
    orders: list[Order] = field(default_factory=list)
    retry_at: datetime | None = None


# --- The whole site -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SiteFailures:
    """How many attempts by card failed on the whole site, and how many are allowed before a proof
    of work is required.
    """

    failed: Attempts
    limit: Rate

    @property
    def need_proof_of_work(self) -> bool:
        return self.failed.short >= self.limit.short or self.failed.long >= self.limit.long

    @property
    def severity(self) -> float:
        """The difficulty of the proof of work: from 0 at the limit to 1 at MAX_SITE_EXCESS times the limit."""
        excess = max(self.failed.short / self.limit.short, self.failed.long / self.limit.long)
        return min(max(excess - 1, 0.0) / (MAX_SITE_EXCESS - 1), 1.0)

    @property
    def is_counter_full(self) -> bool:
        """Whether more attempts may have failed than were counted."""
        return self.failed.long >= self.limit.long * MAX_SITE_EXCESS


def site_card_rate() -> Rate:
    """Return the number of failed attempts by card on the whole site after which each further one needs a proof of
    work.

    Each address can contribute only as many as its own limit allows. If this limit is exceeded, cards are therefore
    being tried against many addresses.
    """
    daily = settings.SITE_FAILED_CARDS_PER_DAY
    return Rate(short=max(1, daily // SITE_SHORT_PART), long=daily)


def _site_counter() -> RateLimit:
    most = settings.SITE_FAILED_CARDS_PER_DAY * MAX_SITE_EXCESS
    return RateLimit("site", "card", Rate(short=most, long=most))


def site_failures() -> SiteFailures:
    """Count the failed attempts by card on the whole site. One query."""
    return SiteFailures(count_attempts([_site_counter()], timezone.now()), site_card_rate())


def under_enumeration() -> bool:
    """Whether cards are currently being tried against many addresses, so that a proof of work is required."""
    return site_failures().need_proof_of_work


def _warn_about_site(failures: SiteFailures) -> None:
    """Log the attempt from which on a proof of work is required."""
    failed, limit = failures.failed, failures.limit
    excess = (failed.long - limit.long, failed.short - limit.short)
    begins = any(0 <= each < SITE_WARNING_ATTEMPTS for each in excess)
    if begins and consume([RateLimit("site-warning", "card", SITE_WARNING_RATE)], timezone.now()):
        logger.warning(
            "Cards are tried against many addresses: %s lookups by card failed within 24 hours (limit %s), %s of them"
            " within 15 minutes (limit %s). Until this ends, each lookup by card needs a proof of work.",
            failed.long,
            limit.long,
            failed.short,
            limit.short,
        )


# --- One attempt ------------------------------------------------------------------------------------------


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
    failures: SiteFailures | None = None
    with transaction.atomic():  # one flush to disk; the counters above are already committed
        record_attempt(method, outcome, subject, client, len(found))
        if found:
            restore(limits, now)
        elif outcome == Outcome.REFUSED and method == Method.CARD:
            # Failures only, so that owners never wait for the lock of this row, which is shared by the whole site. Last
            # in the transaction, to hold the lock only briefly.
            failures = SiteFailures(consume_and_count(_site_counter(), now), site_card_rate())
    if failures is not None:
        _warn_about_site(failures)
    retry_at = None if client_allowed and subject_allowed else next_attempt_at(limits, now)
    return LookupResult(outcome, found, retry_at)


def record_attempt(
    method: Attempt.Method, outcome: Attempt.Outcome, subject: str, client: str, orders_opened: int = 0
) -> None:
    """Insert a row for staff. Card numbers in the subject are masked.

    Someone who continues after a rate limit refuses them, or tries invalid links, can do so indefinitely. Such attempts
    within 15 minutes therefore share one row, which counts them: per client if it is blocked, per subject if that is
    limited. Columns in which they differ are left empty.
    """
    # The prefix "?" marks an email address without a key; it is recorded as typed.
    masked_subject = mask_card_numbers(subject.removeprefix("?").replace("\x00", ""))[: Attempt.SUBJECT_LENGTH]
    now = timezone.now()
    shared_key = _shared_key(method, outcome, masked_subject, client, now)
    # Raw SQL for speed, as in orders/rate_limits.py: every lookup executes this.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_attempt AS row (at, method, outcome, subject, client, orders_opened, shared_key)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (shared_key) WHERE shared_key > '' DO UPDATE SET tries = row.tries + 1,"
            " subject = CASE row.subject WHEN excluded.subject THEN row.subject ELSE '' END,"
            " client = CASE row.client WHEN excluded.client THEN row.client ELSE '' END",
            [now, method.value, outcome.value, masked_subject, client, orders_opened, shared_key],
        )


def _shared_key(method: Attempt.Method, outcome: Attempt.Outcome, subject: str, client: str, now: datetime) -> str:
    """Return the key of the row that an attempt shares with others; empty if it gets a separate row."""
    if outcome == Outcome.RATE_LIMITED:
        shared = subject
    elif outcome == Outcome.CLIENT_BLOCKED or (method == Method.LINK and outcome == Outcome.REFUSED):
        shared = client
    else:
        return ""
    window = int(now.timestamp() // SHORT_WINDOW.total_seconds())
    text = "\x1f".join((method.value, outcome.value, shared, str(window)))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
