"""Public holidays by country, for periods that must not end on one."""

from datetime import date
from functools import lru_cache

import holidays
from babel.core import get_global

from orders.models import Store


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Return the national public holidays. For some countries, none are known."""
    if not country:
        return frozenset()
    try:
        return frozenset(holidays.country_holidays(country, years=year, expand=False))
    except NotImplementedError:
        return frozenset()


def store_country(store: Store) -> str:
    """Return the country of a store's time zone, or an empty string for a zone without a country, such as UTC."""
    return str(get_global("zone_territories").get(store.time_zone, ""))
