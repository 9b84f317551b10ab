"""Forms about licenses."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from licenses.serials import MAX_LENGTH, looks_like_card, normalize_groups
from orders.card_numbers import mask_card_numbers
from orders.forms import CARD_NUMBER_ERROR, LookupField, MessageField, PortalForm, error_messages


class SerialNumberField(MessageField):
    """A serial number that is stored as typed. If it is more likely a card number, it is masked."""

    def without_card_number(self, typed: str) -> str:
        return _without_card_number(typed)


class SerialLookupField(LookupField):
    """A serial number that is looked up."""

    def without_card_number(self, typed: str) -> str:
        return _without_card_number(typed)


def _without_card_number(typed: str) -> str:
    return mask_card_numbers(normalize_groups(typed)) if looks_like_card(typed) else typed


class SerialForm(PortalForm):
    """A serial number or its beginning. Submitted by POST, because serial numbers must not appear in URLs."""

    form_name = "serial"
    button = _("Find my installer")

    serial = SerialLookupField(
        label=_("Serial number, or just its first letter"),
        max_length=4 * MAX_LENGTH,
        help_text=_("With or without dashes, for example XABC-1234-5678."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "autocorrect": "off", "spellcheck": "false"}
        ),
        error_messages=error_messages(_("Enter your serial number or its first letter, for example X.")),
    )

    def action(self) -> str:
        return reverse("licenses:downloads")

    def clean_serial(self) -> str:
        self.cleaned_data["serial"] = normalize_groups(self.cleaned_data["serial"])
        if not self.cleaned_data["serial"]:
            raise ValidationError(self.fields["serial"].error_messages["required"], code="required")
        if looks_like_card(self.cleaned_data["serial"]):
            raise ValidationError(CARD_NUMBER_ERROR, code="card_number")
        return str(self.cleaned_data["serial"])

    @property
    def first_field(self) -> Any:
        return self["serial"]
