"""For which serial number cashback is claimed, with what proof, and where it is paid to."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cases.forms import SUBMISSION_LENGTH, SubmissionForm, plain
from cases.refusals import Refusal
from files.forms import SingleUploadField
from files.rejections import FileRejected
from licenses.models import normalize_serial
from orders.countries import parse_country_code
from orders.forms import CARD_NUMBER_ERROR, error_messages
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails, holds_card, is_iban, looks_like_iban
from refunds.promotions import Verdict

SERIAL_LENGTH = 200  # characters as typed, with spaces
HOLDER_LENGTH = 200
ACCOUNT_LENGTH = 500
SHORTEST_ACCOUNT = 5

Method = CashbackClaim.PayoutMethod


class CashbackForm(SubmissionForm):
    """A claim for one of the serial numbers of the open orders. Whether a promotion applies is the service's."""

    form_name = "cashback"

    serial = forms.CharField(
        label=_("Serial number"),
        max_length=SERIAL_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages=error_messages(_("Please enter the serial number.")),
    )
    country = forms.CharField(
        max_length=SUBMISSION_LENGTH,
        widget=forms.HiddenInput,
        error_messages=error_messages(_("Please choose the country in which you bought.")),
    )
    proof = SingleUploadField(
        label=_("Proof of purchase"),
        help_text=_("The order confirmation, the invoice or the receipt."),
    )
    payout_method = forms.ChoiceField(
        label=_("Where should the money go?"),
        required=False,
        choices=[(Method.ORIGINAL, _("Back the way the order was paid")), (Method.BANK, _("To a bank account"))],
        initial=Method.ORIGINAL,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("Please choose one of the ways that are shown.")},
    )
    payout_holder = forms.CharField(
        label=_("Account holder"),
        required=False,
        max_length=HOLDER_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages=error_messages(""),
    )
    payout_account = forms.CharField(
        label=_("IBAN, or bank and account number"),
        required=False,
        max_length=ACCOUNT_LENGTH,
        help_text=_("Kept encrypted, and deleted after the payout. Never the number of a card."),
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        error_messages=error_messages(""),
    )

    def __init__(self, country: str, verdicts: Sequence[Verdict], data: Any = None, files: Any = None) -> None:
        super().__init__(data, files=files, initial={"country": country})
        serials = [each.bought.license.serial for each in verdicts if each.promotion is not None]
        self.known_keys = {each.bought.license.serial_key for each in verdicts}
        typed = plain(self.data.get("serial"))
        self.offers_serials = bool(serials) and (not typed or typed in serials)
        if self.offers_serials:
            self.fields["serial"].widget = forms.RadioSelect(choices=[(serial, serial) for serial in serials])
            self.initial["serial"] = serials[0]

    # --- Judging it ---

    def clean_serial(self) -> str:
        serial = str(self.cleaned_data["serial"])
        key = normalize_serial(serial)
        # The digits of many a serial number would pass for a card's.
        return serial if key in self.known_keys or not key.isdecimal() else self.reject_card_number("serial")

    def clean_country(self) -> str:
        if not (code := parse_country_code(self.cleaned_data["country"])):
            raise ValidationError(_("Please choose the country in which you bought."), code="country")
        return code

    def clean_payout_method(self) -> str:
        return self.cleaned_data["payout_method"] or Method.ORIGINAL

    def clean_payout_holder(self) -> str:
        return self.reject_card_number("payout_holder")

    def clean_payout_account(self) -> str:
        account = plain(self.cleaned_data["payout_account"])
        if is_iban(account):
            return account
        if holds_card(account):
            self.clear_value("payout_account")
            raise ValidationError(CARD_NUMBER_ERROR, code="card_number")
        if looks_like_iban(account):
            raise ValidationError(_("This IBAN has a mistake in it. Please compare each character."), code="iban")
        return account

    def clean(self) -> None:
        if self.cleaned_data.get("payout_method") != Method.BANK:
            return
        if "payout_holder" not in self.errors and not self.cleaned_data.get("payout_holder"):
            self.add_error("payout_holder", _("Please enter whose account it is."))
        account = self.cleaned_data.get("payout_account", "")
        if "payout_account" not in self.errors and (
            len(account) < SHORTEST_ACCOUNT or not any(character.isdigit() for character in account)
        ):
            self.add_error("payout_account", _("Please enter the IBAN, or the bank and the account number."))

    def details(self) -> PayoutDetails | None:
        """The bank account of a valid form; None where the money goes back the way it came."""
        if self.cleaned_data["payout_method"] != Method.BANK:
            return None
        return PayoutDetails(self.cleaned_data["payout_holder"], self.cleaned_data["payout_account"])

    def add_refusal(self, refusal: Refusal | FileRejected) -> None:
        """Say why a service refused, at the field that it is about."""
        self.add_error("proof" if isinstance(refusal, FileRejected) else "serial", str(refusal))

    def first_field(self) -> Any:
        """Where an error leads that is about no field of its own."""
        return self["serial"]
