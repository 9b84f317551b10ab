"""Deliver due emails: claim a few rows, send them over one connection, and mark each as sent immediately.

A row is claimed by a lease, which ends when the row is marked or the lease expires. If a worker dies, its leases expire
and other workers claim the rows. A crash can only cause a duplicate if it happens after the server accepted the email
and before the row is marked. Both then have the same Message-ID.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from notifications import kinds, rendering
from notifications.models import Message, OutgoingHold
from notifications.opt_outs import is_allowed
from notifications.outgoing import (
    MAIL_TIMEOUTS,
    BrokenConnectionError,
    Outgoing,
    ReadyEemail,
    RefusedError,
    TryLaterError,
    ready,
)

logger = logging.getLogger(__name__)

BATCH_SIZE = 20  # rows per claim
RUN_SECONDS = 60.0  # no email is started after this; the next run continues
MAX_BROKEN_IN_A_ROW = 3  # broken connections after which the run ends
# An email is sent only while its lease lasts longer than sending can take; otherwise the lease is renewed first.
# Both are multiples of EMAIL_TIMEOUT.
LEASE_TIMEOUTS = MAIL_TIMEOUTS + 2
LEASE_NEEDED_TIMEOUTS = MAIL_TIMEOUTS + 0.5
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=1)
RETRY_JITTER = 0.25  # share of the wait, so that emails that failed together are not retried together
GIVE_UP_AFTER = timedelta(days=3)
WRITE_RETRY_SECONDS = 10.0  # how long to retry writing a result while the database restarts
WRITE_RETRY_INTERVAL_SECONDS = 0.2

MAX_RENDERINGS = 5  # attempts for an email whose address changes while it is rendered
# The results that kinds are notified of (see `EmailKind.on_result`).
RESULTS = frozenset({Message.Status.SENT, Message.Status.FAILED})

LOST = gettext_noop("The worker stopped while it was sending this email.")
DATABASE_GONE = (OperationalError, InterfaceError)

# One statement in autocommit mode, so that the leases are committed at once. The subquery is materialized,
# otherwise PostgreSQL may run it twice and claim more rows. An expired lease counts as an attempt.
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
    """Send due emails until none is left, RUN_SECONDS have passed or the mail server seems to be down.

    `should_stop` is called before each email. Returns the number of messages by their new status; `waiting` counts
    those that are retried later. Errors of an email, the mail server or a lost database connection are never raised:
    the next run continues.
    """
    with Outgoing() as outgoing:
        run = _Run(outgoing, should_stop)
        try:
            if OutgoingHold.is_active():
                return run.counts
            while not run.is_over and (batch := _claim()).messages:
                run.deliver(batch)
        except DATABASE_GONE as error:
            connection.close()
            logger.warning("Delivery ends early, the database went away: %s", error)
    return run.counts


@dataclass
class _Batch:
    """Claimed rows. The end of their lease also identifies this claim."""

    messages: list[Message]
    leased_until: datetime

    def ensure_lease(self, message: Message) -> bool:
        """Whether this row is still claimed for long enough to send it. Renews the lease if necessary."""
        if self.leased_until - timezone.now() < _timeouts(LEASE_NEEDED_TIMEOUTS):
            self._renew()
        return message in self.messages

    def _renew(self) -> None:
        """Extend the lease, and drop rows that another worker has claimed in the meantime."""
        rows = Message.objects.filter(pk__in=[message.pk for message in self.messages])
        until = timezone.now() + _timeouts(LEASE_TIMEOUTS)
        rows.filter(status=Message.Status.WAITING, leased_until=self.leased_until).update(leased_until=until)
        kept = set(rows.filter(leased_until=until).values_list("pk", flat=True))
        self.messages = [message for message in self.messages if message.pk in kept]
        self.leased_until = until

    def drop(self, message: Message) -> None:
        """Remove a row that was processed."""
        if message in self.messages:
            self.messages.remove(message)

    def release(self) -> None:
        """End the lease of the remaining rows."""
        pks = [message.pk for message in self.messages]
        self.messages = []
        if pks:
            _write_with_retries(
                lambda: Message.objects.filter(pk__in=pks, leased_until=self.leased_until).update(leased_until=None)
            )


def _claim() -> _Batch:
    now = timezone.now()
    until = now + _timeouts(LEASE_TIMEOUTS)
    rows = Message.objects.raw(_CLAIM, {"now": now, "until": until, "limit": BATCH_SIZE, "lost": LOST})
    return _Batch(sorted(rows, key=_sort_key), until)


def _sort_key(message: Message) -> tuple[float, int, datetime]:
    """Sort by priority and due time, and rows with an expired lease last in random order.

    One of these may have crashed the worker. With a random order, the others are still sent eventually.
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
    def is_over(self) -> bool:
        return self.paused or self.should_stop() or time.monotonic() >= self.ends_at

    def deliver(self, batch: _Batch) -> None:
        try:
            while batch.messages and not self.is_over:
                message = batch.messages[0]
                email = self._render(message)
                if email is not None and self._connect(message) and batch.ensure_lease(message):
                    self._send(message, email)
                batch.drop(message)
        finally:
            batch.release()

    def _render(self, message: Message) -> ReadyEemail | None:
        """Render the email of a message. Returns None if it is not to be sent, and stores why in the row."""
        if message.last_error == LOST and _gives_up(message):
            self._finish(message, Message.Status.FAILED, last_error=_give_up_reason(message.last_error))
            return None
        try:
            kind = kinds.get(message.kind)
            if (wait_until := _wait_until(message, kind)) is not None:
                self._finish(message, Message.Status.WAITING, due_at=wait_until)
                return None
            if (email := _build_for_recipient(message, kind)) is not None:
                return ready(email)
        except DATABASE_GONE:
            raise
        except rendering.UnmailableError as error:  # about the address, not the code
            logger.warning("Message %s (%s) can't be mailed: %s", message.pk, message.kind, error)
            self._finish(message, Message.Status.FAILED, last_error=str(error))
        except Exception as error:
            # An error in one email must not stop the others.
            logger.exception("Message %s (%s) cannot be made into a mail", message.pk, message.kind)
            self._finish(message, Message.Status.FAILED, last_error=_error_reason(error))
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

    def _send(self, message: Message, email: ReadyEemail) -> None:
        try:
            self.outgoing.send(email)
        except RefusedError as refused:
            self.broken_in_a_row = 0
            self._finish(message, Message.Status.FAILED, attempts=message.attempts + 1, last_error=str(refused))
        except TryLaterError as later:
            self.broken_in_a_row = 0
            self._retry_later(message, str(later))
        except BrokenConnectionError as broken:
            self._connection_broke(message, broken)
        else:
            self.broken_in_a_row = 0
            self._mark_sent(message)

    def _connection_broke(self, message: Message, broken: BrokenConnectionError) -> None:
        self.broken_in_a_row += 1
        self.paused = not broken.opened or self.broken_in_a_row >= MAX_BROKEN_IN_A_ROW
        words = str(broken)
        if self.paused:
            words = _("%(reason)s Delivery paused.") % {"reason": words}
            logger.warning("Delivery pauses until the next tick: %s", broken)
        self._retry_later(message, words)

    def _retry_later(self, message: Message, reason: str) -> None:
        """Retry later, or give up after GIVE_UP_AFTER."""
        attempts = message.attempts + 1
        if _gives_up(message):
            self._finish(message, Message.Status.FAILED, attempts=attempts, last_error=_give_up_reason(reason))
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
        """Save the result and end the lease."""
        if "last_error" in changes:
            changes["last_error"] = _truncate_error(str(changes["last_error"]))
        rows = Message.objects.waiting().filter(pk=message.pk)
        _write_result(message, status, lambda: rows.update(status=status, leased_until=None, **changes))
        self.counts[status.value] += 1

    def _mark_sent(self, message: Message) -> None:
        """Mark as sent, regardless of the row's current status, because the email was sent."""
        now = timezone.now()

        def mark() -> None:
            with connection.cursor() as cursor:
                cursor.execute(_MARK_SENT, [now, message.pk])

        _write_result(message, Message.Status.SENT, mark, now)
        self.counts[Message.Status.SENT.value] += 1


def _wait_until(message: Message, kind: kinds.EmailKind) -> datetime | None:
    """Return until when the message has to wait according to its kind; None if it can be sent now."""
    not_before = kind.not_before(message) if kind.not_before else None
    return not_before if not_before is not None and not_before > timezone.now() else None


def _build_for_recipient(message: Message, kind: kinds.EmailKind) -> EmailMultiAlternatives | None:
    """Render the message for its current address. Returns None if it is no longer to be sent.

    If the address changes during rendering, the content may be too new for the old address, for example a password that
    was generated because of the change. It is therefore used only if the address is the same afterwards.
    """
    for _try in range(MAX_RENDERINGS):
        recipient = _current_recipient(message, kind)
        if recipient is None:
            return None
        if recipient != message.recipient:
            message.recipient = recipient
            message.save(update_fields=["recipient", "recipient_key"])
        if not (kind.still_wanted(message) and is_allowed(message, kind, timezone.now())):
            return None
        email = rendering.build(message, kind)
        if _current_recipient(message, kind) == recipient:
            return email
    raise rendering.UnmailableError(_("The recipient’s address kept changing."))


def _current_recipient(message: Message, kind: kinds.EmailKind) -> str | None:
    """Return the current recipient according to the message's kind; None if there is none."""
    if kind.recipient is None:
        return message.recipient
    recipient = kind.recipient(message)
    return recipient if recipient is None else recipient.strip() or message.recipient


def _timeouts(number: float) -> timedelta:
    return timedelta(seconds=number * settings.EMAIL_TIMEOUT)


def retry_wait(attempts: int) -> timedelta:
    """How long to wait after this many failed attempts: exponential backoff with jitter."""
    wait = min(FIRST_RETRY * 2 ** min(attempts - 1, 30), LONGEST_RETRY)
    return wait * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311 (spreads load, guards nothing)


def _gives_up(message: Message) -> bool:
    """Whether the message has failed for so long that it is not tried again."""
    kind = kinds.find(message.kind)
    return (kind is None or kind.gives_up) and _has_failed_for_days(message)


def _has_failed_for_days(message: Message) -> bool:
    return message.first_failed_at is not None and timezone.now() - message.first_failed_at >= GIVE_UP_AFTER


def _give_up_reason(reason: str) -> str:
    return _("Stopped trying after %(days)s days. %(reason)s") % {"days": GIVE_UP_AFTER.days, "reason": reason}


def _write_result(
    message: Message, status: Message.Status, write: Callable[[], object], now: datetime | None = None
) -> None:
    """Store the result of a message, together with the follow-up action of its kind."""
    kind = kinds.find(message.kind)
    on_result = kind.on_result if kind is not None and status in RESULTS else None
    if on_result is None:
        _write_with_retries(write)
        return

    def write_together() -> None:
        with transaction.atomic():
            on_result(message, status, now or timezone.now())
            write()

    _write_with_retries(write_together)


def _write_with_retries(write: Callable[[], object]) -> None:
    """Run a write, and retry it for WRITE_RETRY_SECONDS if the connection was lost: the database may restart."""
    give_up_at = time.monotonic() + WRITE_RETRY_SECONDS
    while True:
        try:
            write()
        except DATABASE_GONE:
            if connection.in_atomic_block or time.monotonic() >= give_up_at:
                raise
            connection.close()
            time.sleep(WRITE_RETRY_INTERVAL_SECONDS)
        else:
            return


def _error_reason(error: Exception) -> str:
    return _("This email couldn’t be rendered: %(error)s") % {"error": f"{type(error).__name__}: {error}"}


def _truncate_error(words: str) -> str:
    """Remove null characters, which PostgreSQL doesn't store, and truncate to the column's length."""
    return words.replace("\x00", "")[: Message.ERROR_LENGTH]
