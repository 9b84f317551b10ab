"""Delivering what is due: claim a few rows, send them over one connection, mark each at once.

PostgreSQL is the truth. A row is claimed by a lease that only time or its mark ends; a worker that dies
leaves its leases to run out, and the rows are taken back. The one moment at which a crash can send
a mail twice lies between the server's yes and the mark; the second carries the same Message-ID.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from notifications import kinds, rendering
from notifications.models import Message
from notifications.opt_outs import may_go
from notifications.outgoing import (
    MAIL_TIMEOUTS,
    BrokenConnectionError,
    Outgoing,
    ReadyMail,
    RefusedError,
    TryLaterError,
    ready,
)

logger = logging.getLogger(__name__)

BATCH_SIZE = 20  # rows a claim
RUN_SECONDS = 60.0  # no mail is begun after that; the next tick goes on
BROKEN_IN_A_ROW = 3  # then the run ends, and the next tick tries again
# A mail is begun only while its lease outlasts the longest that it can take, else the lease is renewed first.
# Both as multiples of EMAIL_TIMEOUT.
LEASE_TIMEOUTS = MAIL_TIMEOUTS + 2
LEASE_NEEDED_TIMEOUTS = MAIL_TIMEOUTS + 0.5
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=1)
RETRY_JITTER = 0.25  # of the wait, to either side, so that rows that failed together don't come back together
GIVE_UP_AFTER = timedelta(days=3)
INSIST_SECONDS = 10.0  # how long a result is kept for a database that is just restarting
INSIST_EVERY_SECONDS = 0.2

LOST = gettext_noop("The worker ended while it had this mail in hand.")
DATABASE_GONE = (OperationalError, InterfaceError)

# One statement, so that a lease stands the moment it is given, outside any transaction. The first part is
# materialized, else the planner may run it again and claim more. Rows whose lease ran out count an attempt.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM notifications_message
    WHERE status = 'waiting' AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until < %(now)s)
    ORDER BY priority, due_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE notifications_message AS message SET
    attempts = LEAST(attempts + (leased_until IS NOT NULL)::int, 32767),
    first_failed_at = CASE WHEN leased_until IS NULL THEN first_failed_at ELSE COALESCE(first_failed_at, %(now)s) END,
    last_error = CASE WHEN leased_until IS NULL THEN last_error ELSE %(lost)s END,
    leased_until = %(until)s
FROM due WHERE message.id = due.id
RETURNING message.*
"""

_MARK_SENT = """
UPDATE notifications_message
SET status = 'sent', sent_at = %s, attempts = attempts + 1, leased_until = NULL, first_failed_at = NULL, last_error = ''
WHERE id = %s
"""


def deliver_due(should_stop: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Send what is due until nothing is, RUN_SECONDS passed or the server seems to be down.

    `should_stop` is asked before each mail. Returns how many messages took which status, by status;
    `waiting` counts those that are tried again later. Never raises for a mail, the mail server or a
    database that went away: what was not done is found by the next run.
    """
    with Outgoing() as outgoing:
        run = _Run(outgoing, should_stop)
        try:
            while not run.over and (batch := _claim()).messages:
                run.deliver(batch)
        except DATABASE_GONE as error:
            connection.close()
            logger.warning("Delivery ends early, the database went away: %s", error)
    return run.counts


@dataclass
class _Batch:
    """Rows under one lease; its end is the token by which they are known as ours."""

    messages: list[Message]
    leased_until: datetime

    def still_holds(self, message: Message) -> bool:
        """Whether the lease of this row outlasts a mail; it is renewed where it would not."""
        if self.leased_until - timezone.now() < _timeouts(LEASE_NEEDED_TIMEOUTS):
            self._renew()
        return message in self.messages

    def _renew(self) -> None:
        """Lease anew; rows that somebody else took meanwhile are left out."""
        rows = Message.objects.filter(pk__in=[message.pk for message in self.messages])
        until = timezone.now() + _timeouts(LEASE_TIMEOUTS)
        rows.filter(status=Message.Status.WAITING, leased_until=self.leased_until).update(leased_until=until)
        kept = set(rows.filter(leased_until=until).values_list("pk", flat=True))
        self.messages = [message for message in self.messages if message.pk in kept]
        self.leased_until = until

    def drop(self, message: Message) -> None:
        """This row is done with."""
        if message in self.messages:
            self.messages.remove(message)

    def release(self) -> None:
        """Give back what was not begun."""
        pks = [message.pk for message in self.messages]
        self.messages = []
        if pks:
            _insist(
                lambda: Message.objects.filter(pk__in=pks, leased_until=self.leased_until).update(leased_until=None)
            )


def _claim() -> _Batch:
    now = timezone.now()
    until = now + _timeouts(LEASE_TIMEOUTS)
    rows = Message.objects.raw(_CLAIM, {"now": now, "until": until, "limit": BATCH_SIZE, "lost": LOST})
    return _Batch(sorted(rows, key=_place_in_batch), until)


def _place_in_batch(message: Message) -> tuple[float, int, datetime]:
    """By priority and due time; rows taken back come last and shuffled.

    Should one of them be what ended the worker, then all others leave before it sooner or later.
    """
    shuffled = 1 + random.random() if message.last_error == LOST else 0.0  # noqa: S311 (guards nothing)
    return shuffled, message.priority, message.due_at


@dataclass
class _Run:
    outgoing: Outgoing
    should_stop: Callable[[], bool]
    counts: Counter[str] = field(default_factory=Counter)
    broken_in_a_row: int = 0
    paused: bool = False
    ends_at: float = field(default_factory=lambda: time.monotonic() + RUN_SECONDS)

    @property
    def over(self) -> bool:
        return self.paused or self.should_stop() or time.monotonic() >= self.ends_at

    def deliver(self, batch: _Batch) -> None:
        try:
            while batch.messages and not self.over:
                message = batch.messages[0]
                mail = self._write(message)
                if mail is not None and self._connect(message) and batch.still_holds(message):
                    self._send(message, mail)
                batch.drop(message)
        finally:
            batch.release()

    def _write(self, message: Message) -> ReadyMail | None:
        """The mail of this message; None, and the row says why, where there is none to send."""
        if message.last_error == LOST and _is_hopeless(message):
            self._finish(message, Message.Status.FAILED, last_error=_given_up(message.last_error))
            return None
        try:
            kind = kinds.get(message.kind)
            if kind.still_wanted(message) and may_go(message, kind, timezone.now()):
                return ready(rendering.build(message, kind))
        except DATABASE_GONE:
            raise
        except Exception as error:
            # Whatever is wrong with one mail, it must not keep back the others.
            logger.exception("Message %s (%s) cannot be made into a mail", message.pk, message.kind)
            self._finish(message, Message.Status.FAILED, last_error=_reason(error))
        else:
            self._finish(message, Message.Status.CANCELLED)
        return None

    def _connect(self, message: Message) -> bool:
        try:
            self.outgoing.open()
        except BrokenConnectionError as broken:
            self._connection_broke(message, broken)
            return False
        return True

    def _send(self, message: Message, mail: ReadyMail) -> None:
        try:
            self.outgoing.send(mail)
        except RefusedError as refused:
            self.broken_in_a_row = 0
            self._finish(message, Message.Status.FAILED, attempts=message.attempts + 1, last_error=str(refused))
        except TryLaterError as later:
            self.broken_in_a_row = 0
            self._put_off(message, str(later))
        except BrokenConnectionError as broken:
            self._connection_broke(message, broken)
        else:
            self.broken_in_a_row = 0
            self._mark_sent(message)

    def _connection_broke(self, message: Message, broken: BrokenConnectionError) -> None:
        self.broken_in_a_row += 1
        self.paused = not broken.opened or self.broken_in_a_row >= BROKEN_IN_A_ROW
        words = str(broken)
        if self.paused:
            words = _("%(reason)s Delivery paused.") % {"reason": words}
            logger.warning("Delivery pauses until the next tick: %s", broken)
        self._put_off(message, words)

    def _put_off(self, message: Message, reason: str) -> None:
        """Try again later, or give up where it has been in vain for days."""
        attempts = message.attempts + 1
        if _is_hopeless(message):
            self._finish(message, Message.Status.FAILED, attempts=attempts, last_error=_given_up(reason))
            return
        now = timezone.now()
        self._finish(
            message,
            Message.Status.WAITING,
            due_at=now + retry_wait(attempts),
            attempts=attempts,
            first_failed_at=message.first_failed_at or now,
            last_error=reason,
        )

    def _finish(self, message: Message, status: Message.Status, **changes: object) -> None:
        """Write the result and end the lease."""
        if "last_error" in changes:
            changes["last_error"] = _fitting(str(changes["last_error"]))
        rows = Message.objects.waiting().filter(pk=message.pk)
        _insist(lambda: rows.update(status=status, leased_until=None, **changes))
        self.counts[status.value] += 1

    def _mark_sent(self, message: Message) -> None:
        """The one write that every mail costs. A sent mail is sent, whatever became of its row meanwhile."""

        def mark() -> None:
            with connection.cursor() as cursor:
                cursor.execute(_MARK_SENT, [timezone.now(), message.pk])

        _insist(mark)
        self.counts[Message.Status.SENT.value] += 1


def _timeouts(number: float) -> timedelta:
    return timedelta(seconds=number * settings.EMAIL_TIMEOUT)


def retry_wait(attempts: int) -> timedelta:
    """How long to wait after that many attempts in vain: doubling, with jitter."""
    wait = min(FIRST_RETRY * 2 ** min(attempts - 1, 30), LONGEST_RETRY)
    return wait * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311 (spreads load, guards nothing)


def _is_hopeless(message: Message) -> bool:
    return message.first_failed_at is not None and timezone.now() - message.first_failed_at >= GIVE_UP_AFTER


def _given_up(reason: str) -> str:
    return _("Given up after %(days)s days. %(reason)s") % {"days": GIVE_UP_AFTER.days, "reason": reason}


def _insist(write: Callable[[], object]) -> None:
    """Write, and go on trying for a while when the database just went away: it may be restarting."""
    give_up_at = time.monotonic() + INSIST_SECONDS
    while True:
        try:
            write()
        except DATABASE_GONE:
            if connection.in_atomic_block or time.monotonic() >= give_up_at:
                raise
            connection.close()
            time.sleep(INSIST_EVERY_SECONDS)
        else:
            return


def _reason(error: Exception) -> str:
    if isinstance(error, rendering.UnmailableError):
        return str(error)
    return _("This mail could not be written: %(error)s") % {"error": f"{type(error).__name__}: {error}"}


def _fitting(words: str) -> str:
    """What the column takes: PostgreSQL knows no NUL."""
    return words.replace("\x00", "")[: Message.ERROR_LENGTH]
