"""What people type about their licenses."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from licenses.serials import LONGEST, in_groups
from orders.forms import PortalForm, error_messages


class SerialForm(PortalForm):
    """A serial number, or how it begins. It goes by POST, because a serial number never stands in an address."""

    form_name = "serial"
    button = _("Find the installer")

    serial = forms.CharField(
        label=_("Serial number, or its first letter"),
        max_length=4 * LONGEST,
        help_text=_("Write it as you read it: with or without dashes, in any case."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "autocorrect": "off", "spellcheck": "false"}
        ),
        error_messages=error_messages(_("Please enter a serial number, or its first letter.")),
    )

    def action(self) -> str:
        return reverse("licenses:downloads")

    def clean_serial(self) -> str:
        # One in ten serial numbers ends as a card number does: in its own groups it is not taken for one.
        self.cleaned_data["serial"] = in_groups(self.cleaned_data["serial"])
        if not self.cleaned_data["serial"]:
            raise ValidationError(self.fields["serial"].error_messages["required"], code="required")
        return self.reject_card_number("serial")

    @property
    def first_field(self) -> Any:
        return self["serial"]
