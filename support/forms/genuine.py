"""The form for checking whether an email or a phone call is genuine."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders.card_numbers import contains_card_number
from orders.forms import CARD_NUMBER_ERROR, LookupField, PortalForm, error_messages
from support.models.regions import digits_only

MAX_LENGTH = 100  # characters
MAX_PHONE_DIGITS = 15 + 2  # 15 digits of an international number (ITU-T E.164), after 00


class GenuineForm(PortalForm):
    form_name = "genuine"
    button = _("Check whether it’s ours")

    code = forms.CharField(
        label=_("Code in the email"),
        max_length=MAX_LENGTH,
        required=False,
        help_text=_("It’s at the end of each of our emails, for example ABCD-EFGH-JKLM."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages=error_messages(""),
    )
    phone = LookupField(
        label=_("Phone number that called you"),
        max_length=MAX_LENGTH,
        required=False,
        help_text=_("As your phone shows it, for example +49 221 1234567."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
        error_messages=error_messages(""),
    )

    def action(self) -> str:
        return reverse("support:genuine")

    def clean_phone(self) -> str:
        """Refuse card numbers only above the length of a phone number, because shorter numbers may look alike by
        chance.
        """
        typed = str(self.cleaned_data["phone"])
        if len(digits_only(typed)) > MAX_PHONE_DIGITS and contains_card_number(typed):
            raise ValidationError(CARD_NUMBER_ERROR, code="card_number")
        return typed

    def clean(self) -> None:
        data = self.cleaned_data
        if not self.errors and not data.get("code") and not data.get("phone"):
            message = _("Enter the code from the email, for example ABCD-EFGH-JKLM, or the phone number.")
            self.add_error("code", ValidationError(message, code="nothing"))

    @property
    def first_field(self) -> Any:
        return self["code"]
