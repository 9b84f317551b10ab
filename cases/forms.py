"""Base forms of cases: a submission id against double submissions, and the answer to a question."""

import unicodedata
from typing import Any
from uuid import UUID, uuid4, uuid5

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.translation import gettext_lazy as _

from orders.forms import MessageField, PortalForm, error_messages

COMMENT_LENGTH = 2000  # characters
SUBMISSION_ID_LENGTH = 64


def normalize_typed(typed: Any) -> str:
    """Replace full-width and other compatibility characters (Unicode NFKC) and strip spaces: ５ becomes 5."""
    return unicodedata.normalize("NFKC", str(typed or "")).strip()


class PageForm(PortalForm):
    """A form whose template renders each field, without PortalForm's layout."""

    @property
    def helper(self) -> FormHelper:
        return FormHelper()


class SubmissionForm(PageForm):
    """A form with a hidden, random id that lets a service recognize a second click or a reload."""

    submission_id = forms.CharField(required=False, max_length=SUBMISSION_ID_LENGTH, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, initial={"submission_id": str(uuid4())} | (initial or {}), **kwargs)

    @property
    def posted_id(self) -> str:
        """The posted hidden id."""
        return str(self.data.get("submission_id") or "")

    def make_submission_id(self, scope: UUID, *parts: str) -> UUID | None:
        """Return a UUID derived from the form's hidden id, or None if the form has none.

        The client chooses the hidden id. Hashing it with a scope, such as the order's public id, prevents it from
        matching a submission elsewhere. Forms that differ in `parts` count as different submissions.
        """
        return uuid5(scope, "\x1f".join([self.posted_id, *parts])) if self.posted_id else None


class AnswerForm(PageForm):
    """The buyer's answer to a question from support."""

    form_name = "answer"

    answer = MessageField(
        label=_("Your answer"),
        max_length=COMMENT_LENGTH,
        help_text=_("Don’t include card numbers or passwords."),
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages=error_messages(_("Write your answer.")),
    )
