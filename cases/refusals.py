"""Exceptions with which a service refuses a request, each with a message for the user."""

from typing import Any

from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """Base class. `str()` returns a translated message for the user.

    `line_id` is the id of the order line that caused the refusal, if there is one.
    """

    def __init__(self, sentence: Any, *, line_id: int | None = None, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line_id = line_id
        self.values = values

    def __str__(self) -> str:
        return str(self.sentence) % self.values if self.values else str(self.sentence)


class NotPossible(Refusal):
    """The input or the state of the case rules out this action; trying again doesn't help."""


class WrongStatus(Refusal):
    """The case's status doesn't allow this transition, for example because a colleague decided first."""

    def __init__(self, status: Any) -> None:
        super().__init__(_("This is no longer possible. The status is now “%(status)s”."), status=status)


class NoOpenQuestion(NotPossible):
    """An answer arrived when no question was open."""

    def __init__(self) -> None:
        super().__init__(_("This question has been answered already."))
