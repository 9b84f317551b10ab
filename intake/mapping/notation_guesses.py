"""Guess how a table writes dates, amounts and text, and its currency. Each guess has a reason."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from intake.dates import DATE_ORDERS, MIXED_UP, DateOrderEvidence
from intake.encodings import DEFAULT
from intake.mapping.fields import FIELDS, Kind
from intake.mapping.guessing import ColumnGuess
from intake.mapping.sample import Sample
from intake.source_file import SourceFile
from intake.values import AmountEvidence

_SIGNS = {"€": "EUR", "£": "GBP", "zł": "PLN", "Kč": "CZK", "CHF": "CHF", "₹": "INR", "₩": "KRW", "₺": "TRY"}


@dataclass(frozen=True)
class NotationGuess:
    """A guess about the whole file, and why. An empty value leaves the question to the person, or to each file."""

    value: str
    reason: str


def guess_date_order(sample: Sample, guesses: list[ColumnGuess]) -> NotationGuess:
    """Guess the order of numeric dates: one of DATE_ORDERS, or empty."""
    evidence = DateOrderEvidence()
    for guess in guesses:
        if guess.field and FIELDS[guess.field].kind == Kind.TIME:
            for cell in sample.cells(guess.column.key):
                if cell:
                    evidence.add(guess.column.key, cell)
    if evidence.order == MIXED_UP:
        return NotationGuess("", _("A spreadsheet may have exchanged days and months. Export the file again."))
    if evidence.order in DATE_ORDERS:
        return NotationGuess(evidence.order, _("Only this order matches all dates, for example days after the 12th."))
    if evidence.found_numeric:
        return NotationGuess("", _("The first dates can be read in more than one way. Choose how they are meant."))
    return NotationGuess("", _("The dates are written so that their order is clear."))


def guess_decimal_sign(source: SourceFile, sample: Sample, guesses: list[ColumnGuess]) -> NotationGuess:
    """Guess the decimal sign of amounts: a comma or a point, or empty."""
    evidence = AmountEvidence()
    for guess in guesses:
        if guess.field and FIELDS[guess.field].kind == Kind.AMOUNT:
            for cell in sample.cells(guess.column.key):
                if cell:
                    evidence.add(cell)
    if evidence.decimal_comma is not None:
        sign = "," if evidence.decimal_comma else "."
        return NotationGuess(sign, _("The amounts in the file are written like this."))
    if evidence.found:
        return NotationGuess("", _("Some amounts have a decimal comma, others a decimal point."))
    if source.head.delimiter == ";":
        return NotationGuess(",", _("No amount shows it. Tables with semicolons usually have a comma."))
    return NotationGuess("", _("No amount shows it."))


def guess_encoding(source: SourceFile) -> NotationGuess:
    """Return the encoding named by a person. If empty, it is detected for each file."""
    if source.is_encoding_named:
        return NotationGuess(source.given_encoding, _("You chose it."))
    if source.encoding in (DEFAULT, "utf-16", "utf-16-le", "utf-16-be"):
        return NotationGuess(
            "", _("The file is in Unicode (%(name)s).") % {"name": "UTF-8" if source.encoding == DEFAULT else "UTF-16"}
        )
    return NotationGuess("", _("By its letters, the file is in %(name)s.") % {"name": source.encoding})


def guess_currency(sample: Sample, guesses: list[ColumnGuess]) -> NotationGuess:
    """Guess the currency of all orders from the signs of their amounts; empty if there are none or several."""
    found: set[str] = set()
    for guess in guesses:
        if guess.field and FIELDS[guess.field].kind == Kind.AMOUNT:
            for value in guess.column.values:
                for sign in re.findall(r"[^\d\s.,'’+()-]+", value):
                    found.add(_SIGNS.get(sign, sign if re.fullmatch(r"[A-Z]{3}", sign) else ""))
    if len(found) == 1 and (code := found.pop()):
        return NotationGuess(code, _("The amounts have this currency’s sign."))
    return NotationGuess("", "")
