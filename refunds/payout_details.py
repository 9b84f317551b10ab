"""Bank details of buyers: checked, encrypted as long as they are needed, and gone after the payout."""

import base64
import json
import re
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from cases.refusals import Refusal
from orders.card_numbers import CARD_NUMBER_LENGTHS, contains_card_number, passes_luhn

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BEGINS_LIKE_AN_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}")


@dataclass(frozen=True)
class PayoutDetails:
    """Whose account, and which: an IBAN, or what banks elsewhere ask for."""

    holder: str
    account: str


class Unreadable(Refusal):
    """The key with which the details were encrypted is not among ours any more."""


def encrypt(details: PayoutDetails) -> bytes:
    """For the database. The key is made of SECRET_KEY."""
    return _keys().encrypt(json.dumps(asdict(details)).encode())


def decrypt(encrypted: bytes | memoryview) -> PayoutDetails:
    """Raises Unreadable where neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS made them."""
    try:
        return PayoutDetails(**json.loads(_keys().decrypt(bytes(encrypted))))
    except InvalidToken as error:
        raise Unreadable(
            _("The bank details cannot be read any more, because SECRET_KEY has changed. Please ask the buyer again.")
        ) from error


def _keys() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str | bytes) -> Fernet:
    digest = salted_hmac("refunds.payout_details", "key", secret=secret, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def compact(typed: str) -> str:
    """An account as IBANs are compared: capitals, without spaces and dashes."""
    return re.sub(r"[\s\-]", "", typed).upper()


def looks_like_iban(typed: str) -> bool:
    """Whether it was meant as an IBAN: it begins with a country and two digits."""
    return _BEGINS_LIKE_AN_IBAN.match(compact(typed)) is not None


def is_iban(typed: str) -> bool:
    """Whether it is an IBAN by its check digits (ISO 7064, modulo 97), as ISO 13616 asks."""
    iban = compact(typed)
    if not _IBAN.fullmatch(iban):
        return False
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def holds_card(typed: str) -> bool:
    """Whether a full card number stands in what is no valid IBAN, also behind a country's letters."""
    iban = compact(typed)
    if not _IBAN.fullmatch(iban):
        return contains_card_number(re.sub(r"[^\W\d_]+", " ", typed))
    # Parts of an IBAN with a slip in it may pass for a card by chance; its whole number hardly.
    return any(
        len(digits) in CARD_NUMBER_LENGTHS and digits.isdecimal() and passes_luhn(digits)
        for digits in (iban[2:], iban[4:])
    )
