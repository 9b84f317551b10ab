"""Validation and encryption of buyers' bank details, which are deleted after the payout."""

import json
import re
from dataclasses import asdict, dataclass

from django.utils.translation import gettext_lazy as _
from stdnum import iban

from cases.refusals import Refusal
from orders import encryption
from orders.card_numbers import contains_card_number, is_card_number

_PURPOSE = "refunds.payout_details"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_IBAN_PREFIX = re.compile(r"[A-Z]{2}[0-9]{2}")


@dataclass(frozen=True)
class PayoutDetails:
    """The account holder, and an IBAN or another description of a bank account."""

    holder: str
    account: str


class UndecryptablePayoutDetails(Refusal):
    """The details were encrypted with a key that is no longer configured."""


def encrypt(details: PayoutDetails) -> bytes:
    """Encrypt for storage, with a key derived from SECRET_KEY."""
    return encryption.encrypt(_PURPOSE, json.dumps(asdict(details)).encode())


def decrypt(encrypted: bytes | memoryview) -> PayoutDetails:
    """Raises UndecryptablePayoutDetails if neither SECRET_KEY nor SECRET_KEY_FALLBACKS encrypted them."""
    try:
        return PayoutDetails(**json.loads(encryption.decrypt(_PURPOSE, encrypted)))
    except encryption.Undecryptable as error:
        raise UndecryptablePayoutDetails(
            _("The bank details can’t be decrypted because SECRET_KEY has changed. Ask the buyer for them again.")
        ) from error


def normalize_iban(typed: str) -> str:
    """Return the text in capitals, without spaces and dashes."""
    return re.sub(r"[\s\-]", "", typed).upper()


def has_iban_prefix(typed: str) -> bool:
    """Whether it starts like an IBAN, with two letters and two digits."""
    return _IBAN_PREFIX.match(normalize_iban(typed)) is not None


def is_iban(typed: str) -> bool:
    """Whether it is a valid IBAN: ISO 13616, with the length of its country and check digits by ISO 7064."""
    return iban.is_valid(normalize_iban(typed), check_country=False)


def account_contains_card_number(typed: str) -> bool:
    """Whether it contains a full card number, even after two letters. Call this for invalid IBANs only."""
    account = normalize_iban(typed)
    if not _IBAN.fullmatch(account):
        return contains_card_number(typed)
    # Part of a mistyped IBAN may look like a card number by chance, so only the whole number is checked.
    return any(each.isdecimal() and is_card_number(each) for each in (account[2:], account[4:]))
