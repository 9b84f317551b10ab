"""What a typed search may mean."""

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from babel.numbers import list_currencies

from cases.models import REFERENCE_ALPHABET, REFERENCE_LENGTH
from licenses.models import normalize_serial
from notifications.addresses import email_key
from notifications.codes import read_code
from orders.card_numbers import mask_card_numbers
from orders.models import LAST4, normalize_order_number
from orders.money import parse_amount
from orders.search_keys import fold_name

MAX_LENGTH = 200  # characters; the rest is ignored
MAX_WORDS = 8
MIN_NAME, MIN_ADDRESS, MIN_NUMBER, MIN_ENDING, MIN_SERIAL = 2, 3, 2, 4, 4  # characters
_AMOUNT = re.compile(r"[0-9][0-9.,'’]*[.,][0-9]{1,3}")
_BETWEEN_WORDS = re.compile(r"[\s;]+|,(?![0-9])|(?<![0-9]),")  # a comma within a number is part of it
_MONEY_SIGNS = "€$£¥"
CURRENCIES = frozenset(map(str.lower, list_currencies()))
_REFERENCE = re.compile(rf"(?:[A-Z]-?)?([{REFERENCE_ALPHABET}]+)")
_LOOK_ALIKES = str.maketrans("OILU", "011V")
_BULLETS = re.compile(r"[•·*…]+")


@dataclass(frozen=True)
class Term:
    """A typed search, and its possible meanings. Each is empty if the term can't mean that."""

    text: str
    words: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, typed: str) -> "Term":
        """Clean up what was typed. Of a full card number, only the last 4 digits are used."""
        text = typed[:MAX_LENGTH].replace("\x00", "").encode(errors="ignore").decode()
        text = " ".join(_BULLETS.sub(" ", mask_card_numbers(unicodedata.normalize("NFC", text))).split())
        words = [word.strip("<>()[]\"',;:") for word in _BETWEEN_WORDS.split(text)]
        return cls(text, [word for word in words if word][:MAX_WORDS])

    # --- People ---

    @cached_property
    def address(self) -> str:
        """An address, complete or not, in the form of `Order.email_key`."""
        joined = re.sub(r"\s*@\s*", "@", self.text) if "@" in self.text else self.text
        found = [word.strip("<>()[]\"',;:.").removeprefix("mailto:") for word in joined.split() if "@" in word]
        if found:
            return email_key(found[0]) or found[0].lower()
        is_one_word = len(self.words) == 1 and len(self.words[0]) >= MIN_ADDRESS
        return self.words[0].lower() if is_one_word and not self.amount else ""

    @property
    def has_at(self) -> bool:
        return "@" in self.address

    @cached_property
    def name_words(self) -> list[str]:
        """The words of a name, in the form of the indexes of `Order.billing_name`."""
        if "@" in self.text or any(character.isdecimal() for character in self.text):
            return []
        words = fold_name(" ".join(self.words)).split()
        return words if sum(map(len, words)) >= MIN_NAME else []

    # --- Numbers ---

    @cached_property
    def number(self) -> str:
        """An order number, in the form of `Order.number_key`."""
        if self.amount or "@" in self.text:
            return ""
        number = normalize_order_number(self.text)
        has_digit = any(character.isdecimal() for character in number)
        return number[:64] if has_digit and len(number) >= MIN_NUMBER else ""

    @cached_property
    def digits(self) -> str:
        """The digits of an order number. Its other characters may be left out, but not be different ones."""
        digits = re.sub("[^0-9]", "", self.number)
        return digits if len(digits) >= MIN_ENDING and not re.search("[^0-9./_ -]", self.text.strip("# ")) else ""

    @cached_property
    def serial(self) -> str:
        """A serial number, in the form of `License.serial_key`."""
        if self.amount or "@" in self.text:
            return ""
        serial = normalize_serial(self.text)
        has_digit = any(character.isdecimal() for character in serial)
        return serial if MIN_SERIAL <= len(serial) <= 64 and (has_digit or len(self.words) == 1) else ""

    @cached_property
    def reference(self) -> str:
        """The part of a case's reference after its prefix; one character more or less may be a slip."""
        compact = "".join(self.text.split()).upper()
        letter, dash, rest = compact.partition("-")
        code = rest if dash and len(letter) <= 1 else compact
        code = code.replace("-", "")
        for candidate in (code, code[1:]) if not dash and len(code) > REFERENCE_LENGTH else (code,):
            match = _REFERENCE.fullmatch(candidate.translate(_LOOK_ALIKES))
            if match and abs(len(candidate) - REFERENCE_LENGTH) <= 1:
                return candidate.translate(_LOOK_ALIKES)
        return ""

    @cached_property
    def reference_beginning(self) -> str:
        """The beginning of a reference with its prefix, such as R-7K3."""
        compact = "".join(self.text.split()).upper()
        return compact if re.fullmatch(rf"[A-Z]-[{REFERENCE_ALPHABET}]{{3,}}", compact) else ""

    @cached_property
    def email_code(self) -> str:
        """The code that proves an email genuine; one character more or less may be a slip."""
        code = read_code(self.text)
        return code if 11 <= len(code) <= 13 and code.isascii() else ""

    # --- Properties of a purchase, which more words can narrow down ---

    @cached_property
    def last4(self) -> str:
        """The last 4 digits of a card."""
        return next((word for word in self.words if LAST4.fullmatch(word)), "")

    @cached_property
    def amount(self) -> Decimal | None:
        """An amount with decimals, or with the sign or code of a currency."""
        for word in self.words:
            bare = word.strip(_MONEY_SIGNS)
            if _AMOUNT.fullmatch(bare) or (bare != word and bare):
                return parse_amount(bare)
        numbers = [word for word in self.words if word.isdecimal()]
        others = [word.lower() for word in self.words if not word.isdecimal()]
        if len(numbers) == 1 and others and all(each in CURRENCIES for each in others):
            return parse_amount(numbers[0])
        return None

    @cached_property
    def postcodes(self) -> list[str]:
        """Possible postcodes, in the form of the index of `Order.billing_postcode`."""
        if self.amount is not None or "@" in self.text:
            return []
        candidates = [*self.words, "".join(self.words), "".join(self.words[-2:])]
        compact = [re.sub("[ -]", "", each).upper() for each in candidates]
        return list(dict.fromkeys(c for c in compact if 3 <= len(c) <= 10 and c.isalnum() and re.search("[0-9]", c)))

    def other_words(self, *used: str) -> list[str]:
        """Return the words, folded, apart from those that make up `used`."""
        joined = {re.sub("[ -]", "", each).upper() for each in used}
        rest = [word for word in self.words if re.sub("[ -]", "", word).upper() not in joined]
        if len(rest) == len(self.words):  # a value of several words
            rest = [word for word in self.words if not any(word.upper() in each for each in joined)]
        return [fold_name(word) for word in rest]

    @property
    def words_beside_amount(self) -> list[str]:
        return [
            fold_name(word) for word in self.words if not any(map(str.isdecimal, word)) and word not in _MONEY_SIGNS
        ]
