"""What every letter to support has."""

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

MESSAGE_LENGTH = 5000  # characters
MOST_FILES = 3
NO_CARD_OR_PASSWORD = _("Please no card numbers and no passwords.")
# So that a form's id, which anybody may choose, names no other kind of submission.
FORMS = UUID("7b1e1f52-5d5e-4d8a-9b6b-2f6d1c1a7e90")


def text_input(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"} | attrs)


class LetterForm(SubmissionForm, EmailForm):
    """What every letter to support has: an address that an answer reaches, and an id that makes two clicks one."""

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data, files=files, **kwargs)
        self.fields["email"].error_messages["required"] = _("Please enter the email address that answers go to.")

    def clean_email(self) -> str:
        email = super().clean_email().strip()
        try:
            validate_email(email)
        except ValidationError:
            words = _("No email can be sent to this address. Please check it for typing errors.")
            raise ValidationError(words, code="email") from None
        return email

    def one_line(self, name: str) -> str:
        written = " ".join(self.reject_card_number(name).split())
        if not written.isprintable():
            words = _("This has a character that cannot be typed. Please type it anew.")
            raise ValidationError(words, code="unprintable")
        return written

    @property
    def submission(self) -> UUID:
        """The id of this letter: of the form and of what is in it, so that another letter is another one."""
        return self.make_submission_id(FORMS, self.form_name, *(self._said(name) for name in self.fields)) or uuid4()

    def _said(self, name: str) -> str:
        if not isinstance(self.fields[name], MultipleUploadField):
            return str(self.cleaned_data.get(name, ""))
        # As they came: what is kept of one and the same photo may differ in a byte.
        return "\x1e".join(f"{file.name}:{file.size}" for file in self[name].data or [])

    def first_field(self) -> BoundField:
        """Where an error leads that is about no field of its own."""
        return self["email"]
