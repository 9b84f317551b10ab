"""Guess the meaning of a table's columns. Each guess has its reasons, and a person confirms or corrects it.

The name of a column has the most weight. Its values must fit the field. Some fields are recognized by values alone.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.mapping.evidence import fits, is_serial_number, share_of
from intake.mapping.fields import FIELDS, Group, Kind
from intake.mapping.sample import Column, Sample
from intake.mapping.synonyms import COLUMN_NAMES, STATUS_NAMES, normalize_name
from orders.models import Order

EXACT, WITHOUT_PREFIX, PART = 4, 3, 1  # how well a name fits
# Words at the start of a column name that say little about it.
_PREFIXES = frozenset(
    (  # noqa: SIM905 (short)
        "order customer buyer client billing bill item lineitem product line payment kunde kunden kaeufer rechnungs "
        "bestell bestellung rechnung artikel produkt zahlung commande facturation article produit pedido facturacion "
        "producto ordine fatturazione prodotto bestelling factuur ordre faktura kund"
    ).split()
)
_VALUE_KINDS = (Kind.EMAIL, Kind.CURRENCY)  # kinds that identify a field without a name


@dataclass
class ColumnGuess:
    """The field that a column probably contains, or an empty name, and why."""

    column: Column
    field: str = ""
    reasons: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    column: Column
    field: str
    score: float
    by_name: int


def guess_columns(sample: Sample) -> list[ColumnGuess]:
    """Guess the field of each column, in the sequence of the columns."""
    guesses = {column.key: ColumnGuess(column) for column in sample.columns}
    candidates = sorted(
        (candidate for column in sample.columns for candidate in _candidates(column, guesses[column.key])),
        key=lambda candidate: -candidate.score,
    )
    taken: set[str] = set()
    for candidate in candidates:
        guess = guesses[candidate.column.key]
        may_share = FIELDS[candidate.field].may_repeat and candidate.by_name >= WITHOUT_PREFIX
        if guess.field or (candidate.field in taken and not may_share):
            continue
        guess.field = candidate.field
        guess.reasons = list(_reasons(candidate))
        taken.add(candidate.field)
    _check_orders(sample, guesses)
    return list(guesses.values())


def guess_statuses(words: list[str]) -> dict[str, Order.Status]:
    """Return the meanings of status words, as far as they are known."""
    return {word: STATUS_NAMES[name] for word in words if (name := normalize_name(word)) in STATUS_NAMES}


def _candidates(column: Column, guess: ColumnGuess) -> Iterator[_Candidate]:
    for name, mapped in FIELDS.items():
        by_name = _rate_name(column.name, name)
        if by_name and column.values and not _can_be(mapped.kind, column):
            if by_name >= WITHOUT_PREFIX:
                guess.reasons = [
                    _("Named like “%(field)s”, but its values are something else.") % {"field": mapped.label}
                ]
        elif by_name:
            yield _Candidate(column, name, by_name + (0.5 if mapped.kind != Kind.TEXT else 0), by_name)
        elif mapped.kind in _VALUE_KINDS and fits(mapped.kind, column.values):
            yield _Candidate(column, name, 2, 0)
    if len(column.values) > 1 and all(map(is_serial_number, column.values)):
        yield _Candidate(column, "serials", 0.8, 0)


def _can_be(kind: Kind, column: Column) -> bool:
    if kind == Kind.EMAIL:  # some stores write "guest" or similar words
        return share_of(kind, column.values) >= 0.5
    return fits(kind, column.values)


def _rate_name(name: str, field_name: str) -> int:
    """Return how well the name of a column fits a field: 0 if it doesn't."""
    normalized = normalize_name(name)
    names = COLUMN_NAMES.get(field_name, frozenset())
    if normalized in names or normalized.replace(" ", "") in {known.replace(" ", "") for known in names}:
        return EXACT
    words = normalized.split()
    while words and words[0] in _PREFIXES:
        words = words[1:]
        if " ".join(words) in names:
            return WITHOUT_PREFIX
    padded = f" {normalized} "
    return PART if any(len(known) > 3 and f" {known} " in padded for known in names) else 0


def _reasons(candidate: _Candidate) -> Iterator[str]:
    mapped, values = FIELDS[candidate.field], candidate.column.values
    label = {"field": mapped.label}
    if candidate.by_name >= WITHOUT_PREFIX:
        yield _("Named like “%(field)s”.") % label
    elif candidate.by_name:
        yield _("A part of its name is like “%(field)s”.") % label
    sentence = _VALUE_SENTENCES.get(mapped.kind)
    if candidate.field == "serials" and values and all(map(is_serial_number, values)):
        yield _("Its values have the shape of serial numbers.")
    elif sentence and values:
        share = share_of(mapped.kind, values)
        if share == 1:
            yield sentence(len(values))
        else:
            yield _("%(percent)d %% of its values fit.") % {"percent": int(share * 100)}
    if not values:
        yield _("It’s empty in the first rows.")


_VALUE_SENTENCES = {
    Kind.EMAIL: lambda count: (
        ngettext("Its value is an email address.", "All %(count)d values are email addresses.", count)
        % {"count": count}
    ),
    Kind.TIME: lambda count: (
        ngettext("Its value is a date.", "All %(count)d values are dates.", count) % {"count": count}
    ),
    Kind.AMOUNT: lambda count: (
        ngettext("Its value is an amount.", "All %(count)d values are amounts.", count) % {"count": count}
    ),
    Kind.CURRENCY: lambda count: (
        ngettext("Its value is a currency’s code.", "All %(count)d values are currency codes.", count)
        % {"count": count}
    ),
    Kind.QUANTITY: lambda count: (
        ngettext("Its value is a whole number.", "All %(count)d values are whole numbers.", count) % {"count": count}
    ),
    Kind.COUNTRY: lambda count: (
        ngettext("Its value is a country.", "All %(count)d values are countries.", count) % {"count": count}
    ),
}


def _check_orders(sample: Sample, guesses: dict[str, ColumnGuess]) -> None:
    """Drop guesses for order fields whose values differ between the rows of one order. A total is then an item's."""
    number = next((key for key, guess in guesses.items() if guess.field == "number"), None)
    if number is None:
        return
    numbers = list(sample.cells(number))
    has_line_total = any(guess.field == "line_total" for guess in guesses.values())
    for key, guess in guesses.items():
        if not guess.field or guess.field == "number" or FIELDS[guess.field].group == Group.ITEM:
            continue
        if not _differs(numbers, list(sample.cells(key))):
            continue
        if guess.field == "total" and not has_line_total:
            guess.field = "line_total"
            guess.reasons.append(_("It differs between the rows of an order, so it belongs to the items."))
        else:
            guess.field = ""
            guess.reasons = [_("It differs between the rows of an order, so it isn’t about the order.")]


def _differs(numbers: list[str], cells: list[str]) -> bool:
    known: dict[str, str] = {}
    for number, cell in zip(numbers, cells, strict=True):
        if number and cell and known.setdefault(number, cell) != cell:
            return True
    return False
