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
from licenses.forms import SerialLookupField
from licenses.models import normalize_serial
from licenses.serials import looks_like_card
from orders.countries import parse_country_code
from orders.forms import CARD_NUMBER_ERROR, LookupField, error_messages
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails, account_contains_card_number, has_iban_prefix, is_iban
from refunds.promotions import LicenseCashback
from refunds.services.cashback import SerialNotInOpenOrders

SERIAL_LENGTH = 200  # characters as typed, including spaces
HOLDER_LENGTH = 200
ACCOUNT_LENGTH = 500
MIN_ACCOUNT_LENGTH = 5
AGAIN = "again"  # code of the error of a field that has to be filled in again, because a draft does not keep it

AGAIN_TEXTS = {
    "proof": _("Choose your file again. Your browser didn’t keep it."),
    "payout_holder": _("Enter the account holder again. For your security, we don’t keep it here."),
    "payout_account": _("Enter the bank account again. For your security, we don’t keep it here."),
}

Method = CashbackClaim.PayoutMethod


class CashbackForm(SubmissionForm):
    """A claim for a serial number of the accessible orders. Whether a promotion applies is decided by the service.

    A bank account can be named only if `offers_account` is true.
    """

    form_name = "cashback"
    # A file and bank details are stored only with the claim that they belong to.
    withheld_fields = frozenset({"proof", "payout_holder", "payout_account"})

    serial = SerialLookupField(  # the claim refers to the license that is found
        label=_("Serial number"),
        max_length=SERIAL_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages=error_messages(_("Enter your serial number.")),
    )
    country = forms.CharField(
        max_length=SUBMISSION_ID_LENGTH,
        widget=forms.HiddenInput,
        error_messages=error_messages(_("Select the country you bought in.")),
    )
    proof = SingleUploadField(
        label=_("Proof of purchase"),
        help_text=_("Your order confirmation, invoice or receipt."),
    )
    payout_method = forms.ChoiceField(
        label=_("How would you like to get the money?"),
        required=False,
        choices=[(Method.ORIGINAL, _("The way you paid")), (Method.BANK, _("To a bank account"))],
        initial=Method.ORIGINAL,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("Select one of the options shown.")},
    )
    payout_holder = forms.CharField(
        label=_("Account holder"),
        required=False,
        max_length=HOLDER_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages=error_messages("") | {"missing": _("Enter the name of the account holder.")},
    )
    payout_account = LookupField(  # an IBAN may look like a card number; see `clean_payout_account`
        label=_("IBAN, or bank and account number"),
        required=False,
        max_length=ACCOUNT_LENGTH,
        help_text=_("We encrypt it and delete it after the payout. Don’t enter a card number."),
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        error_messages=error_messages("")
        | {
            "missing": _("Enter your IBAN, or the name of your bank and your account number."),
            "iban": _("This IBAN isn’t valid. Check each character, for example DE89 3704 0044 0532 0130 00."),
        },
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
        self.licenses = {each.purchase.license.serial_key: each for each in licenses}
        typed = normalize_typed(self.data.get("serial"))
        self.offers_serials = bool(serials) and (not typed or typed in serials)
        if self.offers_serials:
            self.fields["serial"].widget = forms.RadioSelect(choices=[(serial, serial) for serial in serials])
            self.initial["serial"] = serials[0]

    # --- Validation ---

    def clean_serial(self) -> str:
        serial = str(self.cleaned_data["serial"])
        cashback = self.licenses.get(normalize_serial(serial))
        if cashback is None and looks_like_card(serial):
            raise ValidationError(CARD_NUMBER_ERROR, code="card_number")
        # Same check as in the service, so that the page shows this error together with the others.
        if cashback is None:
            raise ValidationError(str(SerialNotInOpenOrders()))
        if cashback.reason is not None:
            raise ValidationError(cashback.reason.text)
        return serial

    def clean_country(self) -> str:
        if not (code := parse_country_code(self.cleaned_data["country"])):
            raise ValidationError(_("Select the country you bought in."), code="country")
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
            raise self._error("payout_account", "iban")
        return account

    def clean(self) -> None:
        if self.cleaned_data.get("payout_method") != Method.BANK:
            return
        if "payout_holder" not in self.errors and not self.cleaned_data.get("payout_holder"):
            self.add_error("payout_holder", self._error("payout_holder", "missing"))
        account = self.cleaned_data.get("payout_account", "")
        if "payout_account" not in self.errors and (
            len(account) < MIN_ACCOUNT_LENGTH or not any(character.isdigit() for character in account)
        ):
            self.add_error("payout_account", self._error("payout_account", "missing"))

    def _error(self, name: str, code: str) -> ValidationError:
        return ValidationError(self.message_of_code(name, code), code=code)

    def payout_details(self) -> PayoutDetails | None:
        """Return the bank account of a valid form, or None to pay the way the order was paid."""
        if self.cleaned_data["payout_method"] != Method.BANK:
            return None
        return PayoutDetails(self.cleaned_data["payout_holder"], self.cleaned_data["payout_account"])

    def add_refusal(self, refusal: Refusal | FileRejected) -> None:
        """Add a refusal of the service as an error of the field that caused it."""
        if isinstance(refusal, FileRejected):
            self.add_error("proof", ValidationError(str(refusal), code=refusal.reason))
        else:
            self.add_error("serial", str(refusal))

    # --- Draft ---

    def ask_again(self) -> None:
        """Say at their fields that an accepted file and bank details are needed again, because others have errors."""
        wants_account = self.data.get("payout_method") == Method.BANK
        for name in self.fields:
            is_asked = name == "proof" or (wants_account and name in self.withheld_fields)
            if is_asked and name not in self.errors:
                self.add_error(name, self._error(name, AGAIN))

    def message_of_code(self, name: str, code: str) -> Any:
        if code == AGAIN:
            return AGAIN_TEXTS[name]
        return super().message_of_code(name, code)

    def first_field(self) -> Any:
        """Return the field that the error summary links non-field errors to."""
        return self["serial"]
