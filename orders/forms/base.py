"""Base classes of all forms: their rendering, and the rejection of full card numbers."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from crispy_forms.utils import render_crispy_form
from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected
from orders.card_numbers import contains_card_number, mask_card_numbers
from orders.forms.fields import CardNumberMaskingForm, LookupField, MessageField

EMAIL_LENGTH = 254
DIGITS_LENGTH = 64
# One @ with something on both sides: stores have addresses that Django's validator rejects.
EMAIL_PATTERN = re.compile(r"[^\s@]+@[^\s@]+")
CARD_NUMBER_ERROR = _(
    "This looks like a full card number. Don’t enter it here: we never need more than its last 4 digits."
)


def normalize_digits(typed: str) -> str:
    """Convert full-width digits to ASCII, and remove everything between digits, such as spaces and dashes."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", typed))


def error_messages(required: Any) -> dict[str, Any]:
    return {
        "required": required,
        "max_length": _("This is too long. Check what you pasted."),
        "null_characters_not_allowed": _("This contains a character that can’t be typed. Type it again."),
    }


def refuse_card_number(typed: str) -> None:
    """A validator of form fields: raises ValidationError if the text contains a full card number."""
    if contains_card_number(typed):
        raise ValidationError(CARD_NUMBER_ERROR, code="card_number")


class PortalForm(CardNumberMaskingForm):
    """The base class of all forms for buyers.

    A full card number in a text field is an error, unless the field is one of those in `orders.forms.fields`.
    """

    form_name = ""  # the name of its URL, and part of its HTML ids
    button: Any = ""
    withheld_fields: frozenset[str] = frozenset()  # secrets and files, which a draft (orders/drafts.py) does not keep
    is_unchecked = False  # shows what was typed as a draft keeps it, without its errors

    by_name: ClassVar[dict[str, type["PortalForm"]]] = {}  # all forms, by their `form_name`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.form_name:
            PortalForm.by_name[cls.form_name] = cls

    def __init__(self, data: Any = None, *, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data, files, auto_id=f"id_{self.form_name}_%s", label_suffix="", **kwargs)
        _mask_file_names(files)
        for field in self.fields.values():
            if _refuses_card_numbers(field):
                field.validators.append(refuse_card_number)

    @property
    def form_id(self) -> str:
        """The id of the HTML element."""
        return f"form_{self.form_name}"

    @property
    def helper(self) -> FormHelper:
        """The layout for crispy-forms."""
        helper = FormHelper()
        helper.form_action = self.action()
        helper.form_id = self.form_id
        # Show our error messages, in the language of the page, instead of those of the browser.
        helper.attrs = {"novalidate": ""}
        helper.layout = Layout(*self.fields, StrictButton(self.button, type="submit", css_class="btn-primary btn-wide"))
        return helper

    @property
    def fields_html(self) -> SafeString:
        """Fields and button, for templates/orders/_form.html. The HTML of an empty form is cached per language."""
        is_empty = (
            not self.is_bound and not any(self.initial.values()) and self.fields.keys() == self.base_fields.keys()
        )
        return _empty_form_html(type(self), get_language()) if is_empty else self.render_fields()

    def render_fields(self) -> SafeString:
        helper = self.helper
        helper.form_tag = False
        helper.disable_csrf = True
        return SafeString(render_crispy_form(self, helper))

    def action(self) -> str:
        return reverse(f"orders:{self.form_name}")

    @property
    def errors(self) -> ErrorDict:
        return ErrorDict() if self.is_unchecked else super().errors

    @classmethod
    def draft_names(cls, data: Iterable[str]) -> list[str]:
        """The names of the values that a draft keeps, of those that were sent."""
        return [name for name in data if name in cls.base_fields and name not in cls.withheld_fields]

    @classmethod
    def draft_value(cls, name: str, value: str) -> str:
        """Return a typed value as a draft keeps it, without a full card number."""
        field = cls.base_fields.get(name)
        if isinstance(field, (LookupField, MessageField)):
            return field.without_card_number(value)
        return value if _is_uuid(value) else mask_card_numbers(value)

    def message_of_code(self, name: str, code: str) -> Any:
        """Return the message of a field's error, by its code."""
        if code == "card_number":
            return CARD_NUMBER_ERROR
        if isinstance(self.fields[name], forms.FileField) and code in list(RejectionReason):
            max_files = getattr(self.fields[name], "max_files", 1)
            return str(FileRejected(RejectionReason(code), max_files=max_files))
        messages = self.fields[name].error_messages
        return messages.get(code) or messages["required"]

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error. A refused card number is not shown in the page again."""
        super().add_error(field, error)
        if field is not None and self.has_error(field, "card_number"):
            self.set_value(field, "")


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _refuses_card_numbers(field: forms.Field) -> bool:
    """Whether a field refuses card numbers. Passwords and hidden fields set by the page may contain anything."""
    if not isinstance(field, forms.CharField) or isinstance(field, (LookupField, MessageField)):
        return False
    return not field.widget.is_hidden and not isinstance(field.widget, forms.PasswordInput)


def _mask_file_names(files: Any) -> None:
    """Mask card numbers in the names of uploaded files, which the portal shows and stores."""
    for _name, uploads in files.lists() if hasattr(files, "lists") else ():
        for upload in uploads:
            upload.name = mask_card_numbers(upload.name or "")


@lru_cache(maxsize=64)
def _empty_form_html(form: type[PortalForm], language: str) -> SafeString:
    """Render an empty form. `language` must be the active language; it is an argument as part of the cache key."""
    return form().render_fields()


class EmailForm(PortalForm):
    """A form with the email address that was used for the purchase."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages=error_messages(_("Enter the email address you used for the purchase.")),
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if not EMAIL_PATTERN.fullmatch(email):
            raise ValidationError(_("Enter an email address with one @, for example name@example.com."), code="email")
        return email
