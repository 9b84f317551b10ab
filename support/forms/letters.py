"""What people write to support: charge claims, messages, and what they add later."""

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4, uuid5

from babel.core import get_global
from babel.numbers import get_currency_precision, get_territory_currencies
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms.boundfield import BoundField
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from files.forms import ProofsField
from licenses.models import normalize_serial
from orders import formats
from orders.forms import DIGITS_LENGTH, NUMBER_LENGTH, EmailForm, error_messages, plain_digits
from orders.models import LAST4, Order
from refunds.forms.returns import SUBMISSION_LENGTH, PageForm
from support.amounts import read_amount

MESSAGE_LENGTH = 5000  # characters
SUBJECT_LENGTH = 200
AMOUNT_LENGTH = 64
SERIAL_LENGTH = 100
STORED_NUMBER_LENGTH = 64
MOST_FILES = 3
MOST_OTHER_EMAILS = 5
OTHER_EMAILS_LENGTH = 600
OLDEST_CHARGE = timedelta(days=5 * 366)
EARLIEST_ZONE = timezone(timedelta(hours=14))  # where every day begins
AMOUNT_MOST = Decimal(10) ** 10
NO_CARD_OR_PASSWORD = _("Please no card numbers and no passwords.")
# So that a form's id, which anybody may choose, names no other kind of submission.
FORMS = UUID("7b1e1f52-5d5e-4d8a-9b6b-2f6d1c1a7e90")


def currencies() -> list[tuple[str, Any]]:
    """Money in use somewhere, by its name in the page's language."""
    codes = {code for territory in get_global("territory_languages") for code in get_territory_currencies(territory)}
    names = formats.active_locale().currencies
    named = sorted(((code, names.get(code, code)) for code in codes), key=lambda each: each[1].casefold())
    return [("", _("Please choose")), *((code, f"{name} ({code})") for code, name in named)]


def brands() -> list[tuple[str, Any]]:
    names = dict.fromkeys(formats.CARD_BRANDS.values())
    return [("", _("Please choose")), *((name, name) for name in names)]


def text_input(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"} | attrs)


class DayField(forms.DateField):
    """A day, as browsers send it or as people of the page's language write it."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"})

    def __init__(self, **options: Any) -> None:
        super().__init__(localize=False, **options)

    def to_python(self, value: Any) -> date | None:
        try:
            return super().to_python(value)
        except ValidationError:
            return _written_day(str(value))


def _written_day(text: str) -> date:
    """23.11.2026, 23/11/2026, 2026/11/23. Raises ValidationError, also where month and day could be either."""
    parts = re.split(r"[.\-/ ]+", text.strip().strip("."))
    if len(parts) == 3 and all(part.isdecimal() for part in parts):
        numbers = [int(part) for part in parts]
        year_first = len(parts[0]) == 4
        if not year_first and len(parts[2]) == 2:
            numbers[2] += 2000
        orders = [(0, 1, 2)] if year_first else [(2, 1, 0)] if "." in text else [(2, 1, 0), (2, 0, 1)]
        days = {day for each in orders if (day := _day(*(numbers[index] for index in each))) is not None}
        if len(days) == 1:
            return days.pop()
    raise ValidationError(_("Please write the day as year-month-day, as in 2026-11-23."), code="invalid")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


class LetterForm(EmailForm):
    """What every letter to support has: an address that an answer reaches, and an id that makes two clicks one."""

    submission_id = forms.CharField(required=False, max_length=SUBMISSION_LENGTH, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        initial = {"submission_id": str(uuid4())} | kwargs.pop("initial", {})
        super().__init__(data, files=files, initial=initial, **kwargs)
        self.fields["email"].error_messages["required"] = _("Please enter the email address that answers go to.")

    def forget(self, name: str) -> None:
        kept = self.data.copy()
        kept[name] = ""
        self.data = kept

    def clean_email(self) -> str:
        email = super().clean_email().strip()
        try:
            validate_email(email)
        except ValidationError:
            words = _("No email can be sent to this address. Please check it for typing errors.")
            raise ValidationError(words, code="email") from None
        return email

    def one_line(self, name: str) -> str:
        written = " ".join(self.without_card_number(name).split())
        if not written.isprintable():
            words = _("This has a character that cannot be typed. Please type it anew.")
            raise ValidationError(words, code="unprintable")
        return written

    @property
    def submission(self) -> UUID:
        """The id of this letter: of the form and of what was written, so that another letter is another one."""
        typed = self.cleaned_data["submission_id"] or str(uuid4())
        words = [typed, self.way, *(str(self.cleaned_data.get(name, "")) for name in self.written)]
        return uuid5(FORMS, "\x1f".join(words))

    @property
    def written(self) -> list[str]:
        return [name for name in self.fields if not isinstance(self.fields[name], ProofsField)]

    def first_field(self) -> BoundField:
        """Where an error leads that is about no field of its own."""
        return self["email"]


class ChargeForm(LetterForm):
    """What is known of a charge. Much of it may be missing; something to find the order by may not."""

    way = "charged"
    FIND_BY = ("amount", "card_last4", "order_number", "serial")

    amount = forms.CharField(
        label=_("Amount"),
        required=False,
        max_length=AMOUNT_LENGTH,
        help_text=_("As the statement shows it."),
        widget=text_input(inputmode="decimal"),
        error_messages=error_messages(""),
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        required=False,
        choices=lazy(currencies, list)(),
        error_messages={"invalid_choice": _("Please choose one of the currencies in the list.")},
    )
    charged_on = DayField(label=_("Day of the charge"), required=False)
    card_brand = forms.CharField(
        label=_("Kind of card"),
        required=False,
        max_length=32,
        widget=forms.Select(choices=lazy(brands, list)()),
        error_messages=error_messages(""),
    )
    card_last4 = forms.CharField(
        label=_("Last 4 digits of the card"),
        required=False,
        max_length=DIGITS_LENGTH,
        help_text=_("Paid with Apple Pay or Google Pay? Those that the wallet shows, or those on the card."),
        widget=text_input(inputmode="numeric", **{"class": "digits"}),
        error_messages=error_messages(""),
    )
    order_number = forms.CharField(
        label=_("Order number"),
        required=False,
        max_length=NUMBER_LENGTH,
        widget=text_input(autocapitalize="characters"),
        error_messages=error_messages(""),
    )
    serial = forms.CharField(
        label=_("Serial number"),
        required=False,
        max_length=SERIAL_LENGTH,
        help_text=_("For a renewal: the one that you had before."),
        widget=text_input(autocapitalize="characters"),
        error_messages=error_messages(""),
    )
    other_emails = forms.CharField(
        label=_("Other email addresses of yours"),
        required=False,
        max_length=OTHER_EMAILS_LENGTH,
        help_text=_("Those that you may have used for the purchase, with spaces between."),
        widget=text_input(autocapitalize="none"),
        error_messages=error_messages(""),
    )
    message = forms.CharField(
        label=_("Anything else that helps?"),
        required=False,
        max_length=MESSAGE_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages=error_messages(""),
    )
    proof = ProofsField(
        label=_("Receipt or bank statement"),
        required=False,
        max_files=MOST_FILES,
        help_text=_("The line of this charge is enough: please cover all others."),
    )

    def clean_amount(self) -> Decimal | None:
        typed = self.without_card_number("amount")
        if not typed.strip():
            return None
        currency = str(self.data.get("currency") or "").strip().upper()
        amount = read_amount(typed, get_currency_precision(currency) if currency else 2)
        if amount is None:
            raise ValidationError(_("Please enter the amount as a number, as in 79.95."), code="invalid")
        if not 0 < amount < AMOUNT_MOST:
            raise ValidationError(_("Please enter the amount that was charged: it is more than zero."), code="range")
        return amount.quantize(Decimal("0.001"))

    def clean_charged_on(self) -> date | None:
        day: date | None = self.cleaned_data["charged_on"]
        today = datetime.now(EARLIEST_ZONE).date()
        if day is not None and day > today:
            raise ValidationError(_("This day is still to come. Please check the day of the charge."), code="future")
        if day is not None and day < today - OLDEST_CHARGE:
            raise ValidationError(_("This day is many years ago. Please check the year."), code="past")
        return day

    def clean_card_brand(self) -> str:
        return self.one_line("card_brand")

    def clean_card_last4(self) -> str:
        digits = plain_digits(self.cleaned_data["card_last4"])
        if not digits or LAST4.fullmatch(digits):
            return digits
        if len(digits) > 4 and digits.isdigit():
            self.forget("card_last4")
            words = _("Only the last 4 digits, please. Nobody needs the rest of the card number.")
            raise ValidationError(words, code="too_many")
        raise ValidationError(_("Please enter exactly four digits: the last ones on the card."), code="not_four")

    def clean_order_number(self) -> str:
        number = self.one_line("order_number")
        if len(number) > STORED_NUMBER_LENGTH:
            raise ValidationError(_("This is too long. Please check what you pasted."), code="max_length")
        return number

    def clean_serial(self) -> str:
        serial = str(self.cleaned_data["serial"])
        if normalize_serial(serial).isdecimal():
            return self.one_line("serial")
        written = " ".join(serial.split())
        if not written.isprintable():
            raise ValidationError(
                _("This has a character that cannot be typed. Please type it anew."), code="unprintable"
            )
        return written

    def clean_other_emails(self) -> list[str]:
        typed = re.split(r"[\s,;]+", self.without_card_number("other_emails").strip())
        emails = list(dict.fromkeys(email for email in typed if email))
        for email in emails:
            try:
                validate_email(email)
            except ValidationError:
                words = _("%(email)s is not an email address. Please check it.")
                raise ValidationError(words, params={"email": email}, code="email") from None
        if len(emails) > MOST_OTHER_EMAILS:
            raise ValidationError(
                _("Please enter at most %(count)d addresses."), params={"count": MOST_OTHER_EMAILS}, code="too_many"
            )
        return emails

    def clean_message(self) -> str:
        return self.without_card_number("message")

    def clean(self) -> None:
        if any(name in self.errors or self.cleaned_data.get(name) for name in self.FIND_BY):
            return
        self.add_error(
            None,
            _("To find the order, support needs one of these: the amount, the card’s last 4 digits, the order number or"
              " the serial number."),
        )  # fmt: skip

    def first_field(self) -> BoundField:
        return self["amount"]

    @property
    def known(self) -> dict[str, Any]:
        """What a valid form says of the charge, as columns of ChargeClaim."""
        names = ("amount", "charged_on", "currency", "card_brand", "card_last4", "order_number", "serial")
        return {name: self.cleaned_data[name] for name in (*names, "other_emails")}


class ContactForm(LetterForm):
    """A message to support, about an order where one is open."""

    way = "contact"

    order = forms.ChoiceField(
        label=_("Which order is it about?"),
        required=False,
        error_messages={"invalid_choice": _("Please choose one of the orders in the list.")},
    )
    subject = forms.CharField(
        label=_("What is it about?"),
        max_length=SUBJECT_LENGTH,
        widget=forms.TextInput(),
        error_messages=error_messages(_("Please say in a few words what it is about.")),
    )
    message = forms.CharField(
        label=_("Your message"),
        max_length=MESSAGE_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages=error_messages(_("Please write your message.")),
    )
    files = ProofsField(
        label=_("Files"),
        required=False,
        max_files=MOST_FILES,
        help_text=_("Such as the order confirmation, or a screenshot of what goes wrong."),
    )

    def __init__(self, orders: list[Order], data: Any = None, files: Any = None) -> None:
        one = orders[0] if len(orders) == 1 else None
        first = {"order": str(one.public_id), "email": one.email} if one else {}
        super().__init__(data, files, initial=first)
        self.orders = {str(order.public_id): order for order in orders}
        if not orders:
            del self.fields["order"]
            return
        choices = [(key, order.number) for key, order in self.orders.items()]
        self.fields["order"].choices = [*choices, ("", _("None of them"))]  # type: ignore[attr-defined]

    def clean_subject(self) -> str:
        return self.one_line("subject")

    def clean_message(self) -> str:
        return self.without_card_number("message")

    @property
    def chosen_order(self) -> Order | None:
        return self.orders.get(self.cleaned_data.get("order", ""))


class ReplyForm(PageForm):
    """What is added to a thread."""

    way = "reply"

    message = forms.CharField(
        label=_("Your message"),
        max_length=MESSAGE_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages=error_messages(_("Please write your message.")),
    )
    files = ProofsField(label=_("Files"), required=False, max_files=MOST_FILES)

    def forget(self, name: str) -> None:
        kept = self.data.copy()  # type: ignore[union-attr]
        kept[name] = ""
        self.data = kept

    def clean_message(self) -> str:
        return self.without_card_number("message")
