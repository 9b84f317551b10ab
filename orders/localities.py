"""Where an order was placed, which determines the dates and times that its buyer sees: the time
zone and the country.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from babel.core import get_global

# The browser of the current request: its country, and the language of the page. Empty outside of requests. Set by
# `VisitorMiddleware`.
visitor_country: ContextVar[str] = ContextVar("visitor_country", default="")
visitor_language: ContextVar[str] = ContextVar("visitor_language", default="")


@dataclass(frozen=True)
class Locality:
    """A time zone, and the country whose date order and clock are used (ISO 3166-1 alpha-2; empty if unknown).

    If the zone has not been set, `is_zone_known` is False, and dates are shown without a time of day.
    """

    zone: tzinfo
    country: str = ""
    is_zone_known: bool = True

    @classmethod
    def of(cls, place: "Locality | tzinfo") -> "Locality":
        """Return a locality unchanged, or that of a time zone alone."""
        return place if isinstance(place, Locality) else cls(place, zone_country(str(place)))


def zone_country(zone_name: str) -> str:
    """Return the country of a time zone such as Europe/Berlin; empty for zones without one, such as UTC."""
    return str(get_global("zone_territories").get(zone_name, ""))


def make_locality(zone_name: str, billing_country: str, *, is_zone_known: bool) -> Locality:
    """Return the locality of an order: the buyer's country if it is known, otherwise that of the store's time zone."""
    return Locality(ZoneInfo(zone_name), billing_country.upper() or zone_country(zone_name), is_zone_known)
