"""The list of countries, and the grouping of cards, phone numbers and stores by the visitor's country."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import models

from orders import formats
from support.models import CardRegion, PhoneNumber, StoreRegion

Entry = TypeVar("Entry", bound="CardRegion | StoreRegion | PhoneNumber")

# Two-letter territory codes of CLDR that are not countries: groups of countries, test codes, unknown regions.
NON_COUNTRY_CODES = frozenset(["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"])


@dataclass(frozen=True)
class GroupedEntries(Generic[Entry]):
    """Entries grouped by country. `worldwide` has entries without countries, which apply if no other entry does."""

    for_country: Sequence[Entry]
    for_other_countries: Sequence[Entry]
    worldwide: Sequence[Entry]


def countries() -> list[tuple[str, str]]:
    """Code and name of every country, sorted by name, in the active language."""
    territories = formats.active_locale().territories
    two_letter = [(code, name) for code, name in territories.items() if len(code) == 2 and code.isalpha()]
    return sorted(
        ((code, name) for code, name in two_letter if code not in NON_COUNTRY_CODES), key=lambda each: each[1]
    )


def is_country(code: str) -> bool:
    """Whether CLDR knows a country with this ISO 3166-1 alpha-2 code."""
    is_two_letters = len(code) == 2 and code.isalpha()
    return is_two_letters and code in formats.active_locale().territories and code not in NON_COUNTRY_CODES


def group_by_country(country: str, entries: models.QuerySet[Entry]) -> GroupedEntries[Entry]:
    """Group the entries by whether they are for this country. Makes one query."""
    evaluated = list(entries)
    return GroupedEntries(
        for_country=[entry for entry in evaluated if country in entry.countries],
        for_other_countries=[entry for entry in evaluated if entry.countries and country not in entry.countries],
        worldwide=[entry for entry in evaluated if not entry.countries],
    )
