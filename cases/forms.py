"""What the forms of cases share: an id that makes two clicks one, and the answer to a question."""

import unicodedata
from typing import Any
from uuid import UUID, uuid4, uuid5

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.translation import gettext_lazy as _

from orders.forms import PortalForm, error_messages

COMMENT_LENGTH = 2000  # characters
SUBMISSION_LENGTH = 64


def plain(typed: Any) -> str:
    """A number as typed on any keyboard, in ASCII."""
    return unicodedata.normalize("NFKC", str(typed or "")).strip()


class PageForm(PortalForm):
    """A form whose page draws it, field by field."""

    @property
    def helper(self) -> FormHelper:
        return FormHelper()


class SubmissionForm(PageForm):
    """A form that is taken once, however often it is sent: its page carries an id for it."""

    submission_id = forms.CharField(required=False, max_length=SUBMISSION_LENGTH, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, initial={"submission_id": str(uuid4())} | (initial or {}), **kwargs)

    def submission_of(self, scope: UUID, *parts: str) -> UUID | None:
        """The id of this submission within a scope, so that a form's id, which anybody may choose, names nothing else.

        `parts` are what makes it another submission if they differ. None where the form carries no id.
        """
        typed = str(self.data.get("submission_id") or "")
        return uuid5(scope, "\x1f".join([typed, *parts])) if typed else None


class AnswerForm(PageForm):
    """What the buyer answers to a question of support."""

    form_name = "answer"

    answer = forms.CharField(
        label=_("Your answer"),
        max_length=COMMENT_LENGTH,
        help_text=_("Please no card numbers and no passwords."),
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages=error_messages(_("Please write your answer.")),
    )

    def clean_answer(self) -> str:
        return self.reject_card_number("answer")
