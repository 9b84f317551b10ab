"""The form to correct the email address of an order. It validates formats only."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from orders.forms.base import EMAIL_LENGTH, error_messages
from orders.forms.find import CardForm, NumberForm


class CorrectEmailForm(NumberForm, CardForm):
    """Requires order number, password and card, because emails with serial numbers go to the new address."""

    form_name = "correct_email"
    button = _("Continue")
    withheld_fields = NumberForm.withheld_fields | CardForm.withheld_fields

    email = None  # type: ignore[assignment]
    next = None  # type: ignore[assignment]
    new_email = forms.CharField(
        label=_("Correct email address"),
        max_length=EMAIL_LENGTH,
        help_text=_("We’ll send all emails about this order there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages=error_messages(_("Enter the correct email address, for example name@example.com.")),
    )
    field_order = ["order_number", "password", "card_last4", "new_email"]

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["card_last4"].help_text = _(
            "Apple Pay or Google Pay? Its last 4 digits may differ from your card’s: try both."
        )

    def clean_new_email(self) -> str:
        email = self.cleaned_data["new_email"].strip()
        try:
            validate_email(email)
        except ValidationError:
            raise ValidationError(
                _("Enter an email address with one @, for example name@example.com."), code="email"
            ) from None
        return email
