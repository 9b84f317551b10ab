"""The form of a cashback claim: serial number, proof of purchase, and where to pay."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cases.forms import SUBMISSION_ID_LENGTH, SubmissionForm, normalize_typed
from cases.refusals import Refusal
from files.forms import SingleUploadField
from files.rejections import FileRejected
from licenses.models import normalize_serial
from licenses.serials import looks_like_card
from orders.countries import parse_country_code
from orders.forms import CARD_NUMBER_ERROR, LookupField, error_messages
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails, account_contains_card_number, has_iban_prefix, is_iban
from refunds.promotions import LicenseCashback

SERIAL_LENGTH = 200  # characters as typed, including spaces
HOLDER_LENGTH = 200
ACCOUNT_LENGTH = 500
MIN_ACCOUNT_LENGTH = 5

Method = CashbackClaim.PayoutMethod


class CashbackForm(SubmissionForm):
    """A claim for a serial number of the accessible orders. Whether a promotion applies is decided by the service.

    A bank account can be named only if `offers_account` is true.
    """

    form_name = "cashback"

    serial = LookupField(  # the claim refers to the license that is found
        label=_("Serial number"),
        max_length=SERIAL_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages=error_messages(_("Please enter the serial number.")),
    )
    country = forms.CharField(
        max_length=SUBMISSION_ID_LENGTH,
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
    payout_account = LookupField(  # an IBAN may look like a card number; see `clean_payout_account`
        label=_("IBAN, or bank and account number"),
        required=False,
        max_length=ACCOUNT_LENGTH,
        help_text=_("Kept encrypted, and deleted after the payout. Never the number of a card."),
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        error_messages=error_messages(""),
    )

    def __init__(
        self,
        country: str,
        licenses: Sequence[LicenseCashback],
        data: Any = None,
        files: Any = None,
        *,
        offers_account: bool = True,
    ) -> None:
        super().__init__(data, files=files, initial={"country": country})
        self.offers_account = offers_account
        if not offers_account:
            del self.fields["payout_holder"], self.fields["payout_account"]
            method: Any = self.fields["payout_method"]
            method.choices = [choice for choice in method.choices if choice[0] != Method.BANK]
        serials = [each.purchase.license.serial for each in licenses if each.promotion is not None]
        self.known_serial_keys = {each.purchase.license.serial_key for each in licenses}
        typed = normalize_typed(self.data.get("serial"))
        self.offers_serials = bool(serials) and (not typed or typed in serials)
        if self.offers_serials:
            self.fields["serial"].widget = forms.RadioSelect(choices=[(serial, serial) for serial in serials])
            self.initial["serial"] = serials[0]

    # --- Validation ---

    def clean_serial(self) -> str:
        serial = str(self.cleaned_data["serial"])
        if normalize_serial(serial) not in self.known_serial_keys and looks_like_card(serial):
            raise ValidationError(CARD_NUMBER_ERROR, code="card_number")
        return serial

    def clean_country(self) -> str:
        if not (code := parse_country_code(self.cleaned_data["country"])):
            raise ValidationError(_("Please choose the country in which you bought."), code="country")
        return code

    def clean_payout_method(self) -> str:
        return self.cleaned_data["payout_method"] or Method.ORIGINAL

    def clean_payout_account(self) -> str:
        account = normalize_typed(self.cleaned_data["payout_account"])
        if is_iban(account):
            return account
        if account_contains_card_number(account):
            raise ValidationError(CARD_NUMBER_ERROR, code="card_number")
        if has_iban_prefix(account):
            raise ValidationError(_("This IBAN has a mistake in it. Please compare each character."), code="iban")
        return account

    def clean(self) -> None:
        if self.cleaned_data.get("payout_method") != Method.BANK:
            return
        if "payout_holder" not in self.errors and not self.cleaned_data.get("payout_holder"):
            self.add_error("payout_holder", _("Please enter whose account it is."))
        account = self.cleaned_data.get("payout_account", "")
        if "payout_account" not in self.errors and (
            len(account) < MIN_ACCOUNT_LENGTH or not any(character.isdigit() for character in account)
        ):
            self.add_error("payout_account", _("Please enter the IBAN, or the bank and the account number."))

    def payout_details(self) -> PayoutDetails | None:
        """Return the bank account of a valid form, or None to pay the way the order was paid."""
        if self.cleaned_data["payout_method"] != Method.BANK:
            return None
        return PayoutDetails(self.cleaned_data["payout_holder"], self.cleaned_data["payout_account"])

    def add_refusal(self, refusal: Refusal | FileRejected) -> None:
        """Add a refusal of the service as an error of the field it is about."""
        self.add_error("proof" if isinstance(refusal, FileRejected) else "serial", str(refusal))

    def first_field(self) -> Any:
        """Return the field that the error summary links non-field errors to."""
        return self["serial"]
