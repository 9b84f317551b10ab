"""The form of a charge claim."""

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from babel.core import get_global
from babel.numbers import get_territory_currencies
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms.boundfield import BoundField
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from files.forms import MultipleUploadField
from licenses.forms import SerialNumberField
from orders import formats
from orders.card_numbers import contains_card_number
from orders.forms import (
    DIGITS_LENGTH,
    NUMBER_LENGTH,
    LookupField,
    MessageField,
    OrderNumberField,
    error_messages,
    normalize_digits,
)
from orders.models import LAST4
from orders.money import decimals, parse_amount
from support.forms.contact_messages import (
    MAX_FILES,
    MESSAGE_MAX_LENGTH,
    NO_CARD_OR_PASSWORD,
    ContactMessageForm,
    text_input,
)
from support.forms.days import DayField

AMOUNT_MAX_LENGTH = 64
SERIAL_MAX_LENGTH = 100
STORED_ORDER_NUMBER_MAX_LENGTH = 64
MAX_OTHER_EMAILS = 5
OTHER_EMAILS_MAX_LENGTH = 600
MAX_CHARGE_AGE = timedelta(days=5 * 366)
EARLIEST_ZONE = timezone(timedelta(hours=14))  # the zone in which a day begins first
MAX_AMOUNT = Decimal(10) ** 10


def currencies() -> list[tuple[str, Any]]:
    """Choices of all currencies in use in some territory, sorted by name in the active language."""
    codes = {code for territory in get_global("territory_languages") for code in get_territory_currencies(territory)}
    names = formats.active_locale().currencies
    named = sorted(((code, names.get(code, code)) for code in codes), key=lambda each: each[1].casefold())
    return [("", _("Choose one")), *((code, f"{name} ({code})") for code, name in named)]


def card_brands() -> list[tuple[str, Any]]:
    """Choices of card brands."""
    names = dict.fromkeys(formats.CARD_BRANDS.values())
    return [("", _("Choose one")), *((name, name) for name in names)]


class ChargeForm(ContactMessageForm):
    """What the buyer knows about a charge. At least one field of SEARCH_FIELDS is required."""

    form_name = "charged"
    withheld_fields = frozenset({"card_last4", "proof"})
    SEARCH_FIELDS = ("amount", "card_last4", "order_number", "serial")
    # As on the page, so that the summary lists errors in this order.
    field_order = (
        "submission_id",
        "amount",
        "currency",
        "charged_on",
        "card_brand",
        "card_last4",
        "order_number",
        "serial",
        "proof",
        "email",
        "other_emails",
        "message",
    )

    amount = forms.CharField(
        label=_("Amount"),
        required=False,
        max_length=AMOUNT_MAX_LENGTH,
        help_text=_("As your bank statement shows it, for example 79.95."),
        widget=text_input(inputmode="decimal"),
        error_messages=error_messages(""),
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        required=False,
        choices=lazy(currencies, list)(),
        error_messages={"invalid_choice": _("Choose one of the currencies in the list.")},
    )
    charged_on = DayField(label=_("Date of the charge (optional)"), required=False)
    card_brand = forms.CharField(
        label=_("Card brand (optional)"),
        required=False,
        max_length=32,
        widget=forms.Select(choices=lazy(card_brands, list)()),
        error_messages=error_messages(""),
    )
    card_last4 = LookupField(  # with a separate error for more digits
        label=_("Last 4 digits of the card"),
        required=False,
        max_length=DIGITS_LENGTH,
        help_text=_("With Apple Pay or Google Pay: the digits your wallet shows or those on your card."),
        widget=text_input(inputmode="numeric", **{"class": "digits"}),
        error_messages=error_messages("")
        | {
            "too_many": _("Enter only the last 4 digits. We never need the rest of your card number."),
            "not_four": _("Enter the last 4 digits of your card, for example 4242."),
        },
    )
    order_number = OrderNumberField(
        label=_("Order number"),
        required=False,
        max_length=NUMBER_LENGTH,
        widget=text_input(autocapitalize="characters"),
        error_messages=error_messages(""),
    )
    serial = SerialNumberField(
        label=_("Serial number"),
        required=False,
        max_length=SERIAL_MAX_LENGTH,
        help_text=_("If you renewed, enter the one you already had."),
        widget=text_input(autocapitalize="characters"),
        error_messages=error_messages(""),
    )
    other_emails = forms.CharField(
        label=_("Your other email addresses (optional)"),
        required=False,
        max_length=OTHER_EMAILS_MAX_LENGTH,
        help_text=_("Addresses you may have used for the purchase. Separate them with spaces."),
        widget=text_input(autocapitalize="none"),
        error_messages=error_messages(""),
    )
    message = MessageField(
        label=_("Anything else we should know? (optional)"),
        required=False,
        max_length=MESSAGE_MAX_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages=error_messages(""),
    )
    proof = MultipleUploadField(
        label=_("Receipt or bank statement (optional)"),
        required=False,
        max_files=MAX_FILES,
        help_text=_("We only need the line with this charge. Cover all other lines."),
    )

    def clean_amount(self) -> Decimal | None:
        typed = str(self.cleaned_data["amount"])
        if not typed.strip():
            return None
        currency = str(self.data.get("currency") or "").strip().upper()
        amount = parse_amount(typed, decimals(currency))
        if amount is None:
            raise ValidationError(_("Enter the amount as a number, for example 79.95."), code="invalid")
        if not 0 < amount < MAX_AMOUNT:
            raise ValidationError(_("Enter an amount above zero, for example 79.95."), code="range")
        return amount.quantize(Decimal("0.001"))

    def clean_charged_on(self) -> date | None:
        day: date | None = self.cleaned_data["charged_on"]
        today = datetime.now(EARLIEST_ZONE).date()
        if day is not None and day > today:
            raise ValidationError(_("This date is in the future. Enter the date of the charge."), code="future")
        if day is not None and day < today - MAX_CHARGE_AGE:
            raise ValidationError(_("This date is too long ago. Check the year."), code="past")
        return day

    def clean_card_brand(self) -> str:
        return self.cleaned_line("card_brand")

    def clean_card_last4(self) -> str:
        digits = normalize_digits(self.cleaned_data["card_last4"])
        messages = self.fields["card_last4"].error_messages
        if not digits or LAST4.fullmatch(digits):
            return digits
        if (len(digits) > 4 and digits.isdigit()) or contains_card_number(self.cleaned_data["card_last4"]):
            self.set_value("card_last4", "")
            raise ValidationError(messages["too_many"], code="too_many")
        raise ValidationError(messages["not_four"], code="not_four")

    def clean_order_number(self) -> str:
        number = self.cleaned_line("order_number")
        if len(number) > STORED_ORDER_NUMBER_MAX_LENGTH:
            raise ValidationError(_("This is too long. Check what you pasted."), code="max_length")
        return number

    def clean_serial(self) -> str:
        return self.cleaned_line("serial")

    def clean_other_emails(self) -> list[str]:
        typed = re.split(r"[\s,;]+", str(self.cleaned_data["other_emails"]).strip())
        emails = list(dict.fromkeys(email for email in typed if email))
        for email in emails:
            try:
                validate_email(email)
            except ValidationError:
                message = _("%(email)s isn’t an email address. Check it for typing errors.")
                raise ValidationError(message, params={"email": email}, code="email") from None
        if len(emails) > MAX_OTHER_EMAILS:
            raise ValidationError(
                _("Enter at most %(count)d addresses."), params={"count": MAX_OTHER_EMAILS}, code="too_many"
            )
        return emails

    def clean(self) -> None:
        if any(name in self.errors or self.cleaned_data.get(name) for name in self.SEARCH_FIELDS):
            return
        self.add_error(
            "amount",
            _("Enter at least one of these: the amount, the last 4 digits of your card, the order number or the serial"
              " number."),
        )  # fmt: skip

    def first_field(self) -> BoundField:
        return self["amount"]

    @property
    def claim_fields(self) -> dict[str, Any]:
        """The cleaned values by column of ChargeClaim. For valid forms only."""
        names = ("amount", "charged_on", "currency", "card_brand", "card_last4", "order_number", "serial")
        return {name: self.cleaned_data[name] for name in (*names, "other_emails")}
