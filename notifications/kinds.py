"""The kinds of mail. A room above registers its kinds in its `mails.py`; this room knows none of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notifications.models import Message

PRIORITY_NOW = 1  # links and codes: somebody waits before a screen
PRIORITY_SOON = 5
PRIORITY_LATER = 9


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
