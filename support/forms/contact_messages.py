"""The base of the forms with which a person starts a thread."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from cases.forms import SubmissionForm
from files.forms import MultipleUploadField
from orders.forms import EmailForm

MESSAGE_MAX_LENGTH = 5000  # characters
MAX_FILES = 3
NO_CARD_OR_PASSWORD = _("Don’t include card numbers or passwords.")
# Namespace of submission ids: clients choose a form's id, which must not collide with other kinds of submissions.
SUBMISSION_NAMESPACE = UUID("7b1e1f52-5d5e-4d8a-9b6b-2f6d1c1a7e90")


def text_input(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"} | attrs)


class ContactMessageForm(SubmissionForm, EmailForm):
    """Has the email address for answers, and a submission id by which a repeated submission is recognized."""

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data, files=files, **kwargs)
        self.fields["email"].error_messages["required"] = _(
            "Enter the email address for our reply, for example name@example.com."
        )

    def clean_email(self) -> str:
        email = super().clean_email().strip()
        try:
            validate_email(email)
        except ValidationError:
            message = _("We can’t send email to this address. Check it for typing errors.")
            raise ValidationError(message, code="email") from None
        return email

    def cleaned_line(self, name: str) -> str:
        """Clean a field to one line without control characters. Raises ValidationError."""
        line = " ".join(str(self.cleaned_data[name]).split())
        if not line.isprintable():
            message = _("This contains a character that can’t be typed. Type it again.")
            raise ValidationError(message, code="unprintable")
        return line

    @property
    def submission(self) -> UUID:
        """An id derived from the form's id and its content, so that different content is another submission."""
        values = (self._fingerprint(name) for name in self.fields)
        return self.make_submission_id(SUBMISSION_NAMESPACE, self.form_name, *values) or uuid4()

    def _fingerprint(self, name: str) -> str:
        if not isinstance(self.fields[name], MultipleUploadField):
            return str(self.cleaned_data.get(name, ""))
        # Uses the files as submitted, because re-encoding the same picture can produce different bytes.
        return "\x1e".join(f"{file.name}:{file.size}" for file in self[name].data or [])

    def first_field(self) -> BoundField:
        """The field to which errors of the whole form link."""
        return self["email"]
