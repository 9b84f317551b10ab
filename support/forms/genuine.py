"""A code or a phone number, to be told whether it is ours."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders.forms import PortalForm, error_messages
from support.models.places import digits_of

LENGTH = 100  # characters
LONGEST_PHONE = 15 + 2  # digits of an international number, after 00


class GenuineForm(PortalForm):
    form_name = "genuine"
    button = _("Check")

    code = forms.CharField(
        label=_("Code of the email"),
        max_length=LENGTH,
        required=False,
        help_text=_("It stands at the end of each of our emails, as in ABCD-EFGH-JKLM."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages=error_messages(""),
    )
    phone = forms.CharField(
        label=_("Or the phone number that called you"),
        max_length=LENGTH,
        required=False,
        help_text=_("As your phone shows it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
        error_messages=error_messages(""),
    )

    def action(self) -> str:
        return reverse("support:genuine")

    def clean_code(self) -> str:
        return self.reject_card_number("code")

    def clean_phone(self) -> str:
        """A phone number of 13 to 15 digits may look like a card's; longer ones there are none."""
        typed = str(self.cleaned_data["phone"])
        return self.reject_card_number("phone") if len(digits_of(typed)) > LONGEST_PHONE else typed

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.errors and not said.get("code") and not said.get("phone"):
            raise ValidationError(_("Please enter the code of an email, or a phone number."), code="nothing")
        return said

    @property
    def first_field(self) -> Any:
        return self["code"]
