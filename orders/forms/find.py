"""The forms to find an order. They validate formats only; orders/access decides about access."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.card_numbers import contains_card_number
from orders.forms.base import DIGITS_LENGTH, EmailForm, PortalForm, error_messages, normalize_digits
from orders.forms.fields import LookupField, OrderNumberLookupField
from orders.forms.next_page import NextField
from orders.lookup_codes import DIGITS
from orders.models import LAST4
from orders.passwords import MAX_TYPED_LENGTH
from orders.proof_of_work import ProofOfWorkField

NUMBER_LENGTH = 200  # characters, including spaces


class NumberForm(PortalForm):
    form_name = "find_number"
    button = _("Find my order")
    withheld_fields = frozenset({"password"})

    order_number = OrderNumberLookupField(
        label=_("Order number"),
        max_length=NUMBER_LENGTH,
        help_text=_("It’s near the top of your order confirmation."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "autocorrect": "off", "spellcheck": "false"}
        ),
        error_messages=error_messages(_("Enter your order number, for example AB-12345.")),
    )
    password = forms.CharField(
        label=_("Order password"),
        max_length=MAX_TYPED_LENGTH,
        strip=False,
        help_text=_("It belongs to this order only. It isn’t your email or bank password."),
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "data-show-label": _("Show"), "data-hide-label": _("Hide")}
        ),
        error_messages=error_messages(_("Enter your order password. It’s in your order confirmation.")),
    )
    next = NextField(required=False)


class CardForm(EmailForm):
    form_name = "find_card"
    button = _("Find my order")
    withheld_fields = frozenset({"card_last4"})

    card_last4 = LookupField(  # with a separate error for more digits
        label=_("Last 4 digits of your card"),
        max_length=DIGITS_LENGTH,
        help_text=_("With Apple Pay or Google Pay, they may differ from those on your card. Try both."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "class": "digits"}),
        error_messages=error_messages(_("Enter the last 4 digits of your card, for example 4242."))
        | {
            "too_many": _("Enter only the last 4 digits. We never need the rest of your card number."),
            "not_four": _("Enter exactly 4 digits, the last ones on your card, for example 4242."),
        },
    )
    next = NextField(required=False)

    def __init__(self, data: Any = None, *, proof_of_work: float | None = None, **kwargs: Any) -> None:
        """`proof_of_work` is the required difficulty of a proof of work, from 0 to 1; None requires none."""
        super().__init__(data, **kwargs)
        if proof_of_work is not None:
            self.fields["altcha"] = ProofOfWorkField(proof_of_work)

    def clean_card_last4(self) -> str:
        digits = normalize_digits(self.cleaned_data["card_last4"])
        messages = self.fields["card_last4"].error_messages
        if LAST4.fullmatch(digits):
            return digits
        if (len(digits) > 4 and digits.isdigit()) or contains_card_number(self.cleaned_data["card_last4"]):
            self.set_value("card_last4", "")
            raise ValidationError(messages["too_many"], code="too_many")
        raise ValidationError(messages["not_four"], code="not_four")


class LinkForm(EmailForm):
    form_name = "find_link"
    button = _("Email me a link")

    next = NextField(required=False)


class CodeForm(PortalForm):
    """The emailed code that confirms a lookup by card. It is posted to the page of one order."""

    form_name = "code"
    button = _("Open my order")
    withheld_fields = frozenset({"code"})

    code = forms.CharField(
        label=_("Code from the email"),
        max_length=DIGITS_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "digits"}),
        error_messages=error_messages(_("Enter the code from the email."))
        | {"shape": lazy(lambda: gettext("The code has %(count)s digits.") % {"count": DIGITS}, str)()},
    )
    next = NextField(required=False)

    def __init__(self, public_id: UUID, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.public_id = public_id

    def action(self) -> str:
        return reverse("orders:code", args=[self.public_id])

    def clean_code(self) -> str:
        digits = normalize_digits(self.cleaned_data["code"])
        if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", digits):
            raise ValidationError(self.fields["code"].error_messages["shape"], code="shape")
        return digits
