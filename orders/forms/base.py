"""What all forms share: how they are drawn, and that nobody writes a whole card number into them."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from crispy_forms.utils import render_crispy_form
from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from orders.card_numbers import holds_card_number

EMAIL_LENGTH = 254
DIGITS_LENGTH = 64
# One @ with something on both sides. Stores write stranger addresses than validators allow.
EMAIL_SHAPE = re.compile(r"[^\s@]+@[^\s@]+")
NO_CARD_NUMBER = _(
    "This looks like a whole card number. Please never type it here: nobody needs more than its last 4 digits."
)


def plain_digits(typed: str) -> str:
    """Digits of any width as ASCII, without the spaces and dashes that people type between them."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", typed))


def error_messages(required: Any) -> dict[str, Any]:
    return {
        "required": required,
        "max_length": _("This is too long. Please check what you pasted."),
        "null_characters_not_allowed": _("This has a character that cannot be typed. Please type it anew."),
    }


class PortalForm(forms.Form):
    """What all forms here share: where they post to, and that nobody writes a whole card number into them."""

    way = ""  # the name of its URL, and of its place in the page
    button: Any = ""

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, auto_id=f"id_{self.way}_%s", label_suffix="", **kwargs)

    @property
    def helper(self) -> FormHelper:
        """How crispy-forms draws it."""
        helper = FormHelper()
        helper.form_action = self.action()
        helper.form_id = f"form_{self.way}"
        # Our own words, in the page's language, instead of the browser's bubbles.
        helper.attrs = {"novalidate": ""}
        helper.layout = Layout(*self.fields, StrictButton(self.button, type="submit", css_class="btn-primary btn-wide"))
        return helper

    @property
    def drawn(self) -> SafeString:
        """Fields and button, within templates/orders/_form.html. An untouched form is drawn once for each language."""
        untouched = (
            not self.is_bound and not any(self.initial.values()) and self.fields.keys() == self.base_fields.keys()
        )
        return _untouched(type(self), get_language()) if untouched else self.draw()

    def draw(self) -> SafeString:
        helper = self.helper
        helper.form_tag = False
        helper.disable_csrf = True
        return SafeString(render_crispy_form(self, helper))

    def action(self) -> str:
        return reverse(f"orders:{self.way}")

    def without_card_number(self, name: str) -> str:
        """The value of this field. A whole card number is an error, and not written into the page again."""
        typed = str(self.cleaned_data[name])
        if holds_card_number(unicodedata.normalize("NFKC", typed)):
            self.forget(name)
            raise ValidationError(NO_CARD_NUMBER, code="card_number")
        return typed

    def forget(self, name: str) -> None:
        self.data = {**{key: self.data.get(key) for key in self.data}, name: ""}


@lru_cache(maxsize=64)
def _untouched(form: type[PortalForm], language: str) -> SafeString:
    """An empty form as everybody gets it, in the active language, which is this one."""
    return form().draw()


class EmailForm(PortalForm):
    """A form that asks for the address of the purchase."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages=error_messages(_("Please enter the email address that you used for the purchase.")),
    )

    def clean_email(self) -> str:
        email = self.without_card_number("email")
        if not EMAIL_SHAPE.fullmatch(email):
            raise ValidationError(
                _("An email address has one @ in it, as in name@example.com. Please check it."), code="email"
            )
        return email
