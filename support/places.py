"""Which cards, phones and stores there are for whom: those of one's own country first, all others after them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import models

from orders import formats
from support.models import CardRegion, PhoneNumber, StoreRegion

Place = TypeVar("Place", bound="CardRegion | StoreRegion | PhoneNumber")

# CLDR's codes that are no countries: groupings, test codes, and what nobody knows.
NO_COUNTRIES = frozenset(["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"])


@dataclass(frozen=True)
class Sorted(Generic[Place]):
    """`own` are for the country; where there are none, `elsewhere` says what holds for all that are not named."""

    own: Sequence[Place]
    others: Sequence[Place]
    elsewhere: Sequence[Place]


def countries() -> list[tuple[str, str]]:
    """Every country with its name in the page's language, by name."""
    names = formats.active_locale().territories
    known = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha()]
    return sorted(((code, name) for code, name in known if code not in NO_COUNTRIES), key=lambda each: each[1])


def is_country(code: str) -> bool:
    return code in formats.active_locale().territories and len(code) == 2 and code not in NO_COUNTRIES


def sorted_for(country: str, places: models.QuerySet[Place]) -> Sorted[Place]:
    """All of these, by whether they are for this country. One query."""
    every = list(places)
    return Sorted(
        own=[place for place in every if country in place.countries],
        others=[place for place in every if place.countries and country not in place.countries],
        elsewhere=[place for place in every if not place.countries],
    )
