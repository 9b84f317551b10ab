"""Where an order was placed, for the dates and times that its buyer reads: the time zone and the country."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from babel.core import get_global

# Of the browser that sent the request that is being answered: its country, and the language of the page. Empty outside
# of requests. Set by `VisitorMiddleware`.
visitor_country: ContextVar[str] = ContextVar("visitor_country", default="")
visitor_language: ContextVar[str] = ContextVar("visitor_language", default="")


@dataclass(frozen=True)
class Locality:
    """A time zone, and the country whose date order and clock are used (ISO 3166-1 alpha-2; empty if unknown).

    If nobody has set the zone, `is_zone_known` is False: then dates are shown without a time of day.
    """

    zone: tzinfo
    country: str = ""
    is_zone_known: bool = True

    @classmethod
    def of(cls, place: "Locality | tzinfo") -> "Locality":
        """Return a locality as it is, or one of a time zone alone."""
        return place if isinstance(place, Locality) else cls(place, zone_country(str(place)))


def zone_country(zone_name: str) -> str:
    """Return the country of a time zone such as Europe/Berlin; empty for zones without one, such as UTC."""
    return str(get_global("zone_territories").get(zone_name, ""))


def make_locality(zone_name: str, billing_country: str, *, is_zone_known: bool) -> Locality:
    """Return the locality of an order: the buyer's country if it is known, else that of the store's time zone."""
    return Locality(ZoneInfo(zone_name), billing_country.upper() or zone_country(zone_name), is_zone_known)
