"""Why something is not done: each with the sentence that the person reads."""

from typing import Any

from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """`str()` of it is a translated sentence that says why, and what to do where something can be done.

    `line_id` names the order line that it is about, where it is about one.
    """

    def __init__(self, sentence: Any, *, line_id: int | None = None, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line_id = line_id
        self.values = values

    def __str__(self) -> str:
        return str(self.sentence) % self.values if self.values else str(self.sentence)


class NotPossible(Refusal):
    """It cannot be done, whoever asks and however often."""


class WrongStatus(Refusal):
    """The case has no such step from where it stands; somebody else was faster."""

    def __init__(self, status: Any) -> None:
        super().__init__(_("This is not possible any more: the status is now “%(status)s”."), status=status)


class NothingAsked(NotPossible):
    """An answer that comes too late: no question is open any more."""

    def __init__(self) -> None:
        super().__init__(_("No question is open any more, so there is nothing to answer."))
