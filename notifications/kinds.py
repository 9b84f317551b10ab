"""The kinds of email. Apps register theirs in `emails.py`, which is imported at startup."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db import DatabaseError

from notifications.models import Message

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

PRIORITY_NOW = 1  # links and codes: someone is waiting for them
PRIORITY_SOON = 5
PRIORITY_LATER = 9


class Highlight(NamedTuple):
    """The main content of the email, set in large type: a serial number, a code."""

    label: str
    value: str = ""
    note: str = ""


class Item(NamedTuple):
    """A row of the price table. The amount is formatted."""

    name: str
    amount: str
    note: str = ""


@dataclass(frozen=True)
class PlannedFollowUp:
    """A follow-up that may be sent: not before `due_at`, and not from `closes_at` on."""

    object_id: int
    recipient: str
    due_at: datetime
    closes_at: datetime
    key: str = ""
    order_id: int | None = None
    language: str = ""


@dataclass(frozen=True)
class FailedCandidate:
    """A row for which no follow-up could be planned, because of an error."""

    error: str


Candidates = Iterator[PlannedFollowUp | FailedCandidate]


def plan_each(rows: Iterable[Row], plan: Callable[[Row], PlannedFollowUp | None]) -> Candidates:
    """Plan a follow-up for each row, unless `plan` returns None. An error in one row doesn't affect other rows.

    Database errors are raised, because no more rows can be read after one.
    """
    for row in rows:
        try:
            planned = plan(row)
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("No follow-up can be planned for %r", row)
            yield FailedCandidate(type(error).__name__)
        else:
            if planned is not None:
                yield planned


@dataclass(frozen=True)
class FollowUpPlan:
    """Makes a kind of email a follow-up: sent on a schedule, with a link to unsubscribe.

    `days` is the default schedule; stores can have their own. `candidates` returns what is due between two
    moments, best by `plan_each`; it may return the same candidate again. `window` is the longest time after its due
    date that any candidate may still be sent; each one has its own `closes_at`.
    """

    days: int
    candidates: Callable[[datetime, datetime], Iterable[PlannedFollowUp | FailedCandidate]]
    window: timedelta


@dataclass(frozen=True)
class EmailKind:
    """One kind of email.

    `template` extends `email_base`, which is one of `notifications/emails/base.{html,txt,subject.txt}`, and fills the
    blocks `subject`, `heading`, `lead` and `next_step`. Optional blocks are `preheader` (shown by inboxes next to the
    subject, 90 characters at most; by default the beginning of the lead), `button` (its label), `button_hint`,
    `items_heading` and `fine_print`. The subject contains the number of the order or the reference.

    `context` returns the variables of the template and the bases. All of these are optional: `url` (of the button),
    `facts` (pairs of label and value), `highlights`, `quote` and `quote_label` (a text written by a person), `links`
    (pairs of label and URL), `items`, `totals` (pairs of label and amount, the grand total last), `reply_to` (an
    address; SUPPORT_EMAIL by default).

    `context`, `still_wanted`, `recipient` and `not_before` are called when the message is sent, not when it is queued.
    If `still_wanted` returns False, the message is canceled. `recipient` returns the current address of the message,
    such as the corrected address of an order: an empty text means the address given to `send`, and None cancels the
    message. Without `recipient`, the address given to `send` is used. If `not_before` returns a time in the future, the
    message waits until then and is checked again.

    `on_result` is called in the transaction that stores that the message was sent, failed or bounced, with the new
    status and the time, and before the message is locked. If a kind never `gives_up`, its messages are retried until
    they are sent, no matter how long the mail server refuses them temporarily.

    Staff can't send emails again whose context depends on the message's key: set `uses_key`.
    """

    name: str
    template: str
    context: Callable[[Message], Mapping[str, Any]]
    still_wanted: Callable[[Message], bool] = field(default=lambda message: True)
    recipient: Callable[[Message], str | None] | None = None
    not_before: Callable[[Message], datetime | None] | None = None
    on_result: Callable[[Message, Message.Status, datetime], None] | None = None
    gives_up: bool = True
    priority: int = PRIORITY_SOON
    uses_key: bool = False
    label: Any = ""  # lazily translated, for buyers and staff
    follow_up: FollowUpPlan | None = None

    @property
    def can_repeat(self) -> bool:
        """Whether staff can send such an email again after it was sent. Links and codes would have expired."""
        return not self.uses_key and self.follow_up is None and self.priority != PRIORITY_NOW


_kinds: dict[str, EmailKind] = {}


def register(kind: EmailKind) -> None:
    if kind.name in _kinds:
        raise ValueError(f"The email kind {kind.name} is registered twice.")
    _kinds[kind.name] = kind


def get(name: str) -> EmailKind:
    """Raises KeyError if no installed app registers this name."""
    return _kinds[name]


def find(name: str) -> EmailKind | None:
    return _kinds.get(name)


def label(name: str) -> Any:
    return _kinds[name].label if name in _kinds else name


def names() -> list[str]:
    return sorted(_kinds)


def follow_ups() -> dict[str, FollowUpPlan]:
    """The plans of all kinds that are follow-ups, by name."""
    return {name: plan for name in names() if (plan := _kinds[name].follow_up)}
