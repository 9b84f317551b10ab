"""The kinds of mail. A room above registers its kinds in its `mails.py`; this room knows none of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notifications.models import Message

PRIORITY_NOW = 1  # links and codes: somebody waits before a screen
PRIORITY_SOON = 5
PRIORITY_LATER = 9


@dataclass(frozen=True)
class Planned:
    """A follow-up that may be wanted: when it is due, and from when on it makes no sense any more."""

    object_id: int
    recipient: str
    due_at: datetime
    closes_at: datetime
    key: str = ""
    order_id: int | None = None
    language: str = ""


@dataclass(frozen=True)
class FollowUpPlan:
    """What makes a kind of mail a follow-up: sent by a schedule, and switched off by whoever wants none.

    `candidates` gives what is due between two moments by the schedules of the stores, whose default is `days`.
    It asks the database by dates, and may give again what it gave before. `window` is how long after it is due
    something may still be worth sending, at most; each says its own end.
    """

    days: int
    candidates: Callable[[datetime, datetime], Iterable[Planned]]
    window: timedelta


@dataclass(frozen=True)
class MailKind:
    """How one kind of mail is made.

    `name` is also the name of its templates: `<template>.subject.txt`, `.txt` and `.html`.
    `context` and `still_wanted` are called with the message at the moment of sending, never before;
    `still_wanted` false cancels the message.
    The context may carry `reply_to` (an address); all else is for the templates.
    """

    name: str
    template: str
    context: Callable[[Message], Mapping[str, Any]]
    still_wanted: Callable[[Message], bool] = field(default=lambda message: True)
    priority: int = PRIORITY_SOON
    label: Any = ""  # what buyers and staff read, translated
    follow_up: FollowUpPlan | None = None


_kinds: dict[str, MailKind] = {}


def register(kind: MailKind) -> None:
    if kind.name in _kinds:
        raise ValueError(f"The mail kind {kind.name} is registered twice.")
    _kinds[kind.name] = kind


def get(name: str) -> MailKind:
    """The kind of that name. Raises KeyError where no installed app registers it."""
    return _kinds[name]


def label(name: str) -> Any:
    return _kinds[name].label if name in _kinds else name


def names() -> list[str]:
    return sorted(_kinds)


def follow_ups() -> dict[str, FollowUpPlan]:
    """The kinds that are sent by a schedule, by name."""
    return {name: _kinds[name].follow_up for name in names() if _kinds[name].follow_up}  # type: ignore[misc]
