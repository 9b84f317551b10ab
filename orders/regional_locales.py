"""Date formats of a language in a country, and the short names of time zones.

Babel has no locale for many pairs of language and country, and for most pairs of time zone and language only an offset.
"""

import re
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import get_timezone_name
from django.conf import settings
from django.utils.translation import to_locale

# Countries whose English readers expect 15 November 2026, 14:05, if Babel doesn't know them.
# fmt: off
EUROPE = frozenset([
    "AD", "AL", "AT", "AX", "BA", "BE", "BG", "BY", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FO", "FR", "GB",
    "GG", "GI", "GR", "HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT",
    "NL", "NO", "PL", "PT", "RO", "RS", "RU", "SE", "SI", "SJ", "SK", "SM", "TR", "UA", "VA", "XK",
])
# fmt: on
ENGLISH_IN_EUROPE = "en_150"
ENGLISH_ELSEWHERE = "en_US"
COUNTRY_CODE = re.compile(r"[A-Z]{2}")

# Minutes from UTC of well-known abbreviations. With another offset, an abbreviation has a different meaning:
# CST is also China Standard Time.
_ABBREVIATIONS = {
    **{
        "UTC": 0,
        "GMT": 0,
        "WET": 0,
        "BST": 60,
        "WEST": 60,
        "CET": 60,
        "CEST": 120,
        "EET": 120,
        "EEST": 180,
        "MSK": 180,
    },
    **{"SAST": 120, "IDT": 180},
    **{"NST": -210, "NDT": -150, "AST": -240, "ADT": -180, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300},
    **{"MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600, "HDT": -540},
    **{"JST": 540, "KST": 540, "HKT": 480, "AWST": 480, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660},
    **{"NZST": 720, "NZDT": 780, "IST": 330, "PKT": 300, "WIB": 420, "WITA": 480, "WIT": 540},
}
_ABBREVIATION = re.compile(r"[A-Z]{2,5}")


@lru_cache(maxsize=1024)
def regional_locale(language: str, country: str) -> Locale:
    """Return the locale for dates in a language and a country (ISO 3166-1 alpha-2; may be empty or unknown)."""
    code = to_locale(language)
    base = code.split("_")[0]
    country = _canonical_country(country)
    candidates = [f"{base}_{country}"] if country else []
    if base == "en" and country:
        candidates.append(ENGLISH_IN_EUROPE if country in EUROPE else ENGLISH_ELSEWHERE)
    for candidate in [*candidates, code, base]:
        if (locale := _find_locale(candidate)) is not None:
            return locale
    return Locale.parse(to_locale(settings.LANGUAGE_CODE))


def _canonical_country(typed: str) -> str:
    """Return the current country code, such as GB for UK; empty if it isn't a country."""
    code = typed.strip().upper()
    if not COUNTRY_CODE.fullmatch(code):
        return ""
    return str((get_global("territory_aliases").get(code) or [code])[0])


def _find_locale(name: str) -> Locale | None:
    try:
        return Locale.parse(name, resolve_likely_subtags=False)
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=4096)
def short_zone_name(moment: datetime, zone: tzinfo, language: str, country: str) -> str:
    """Return the short name of a zone at a moment: CET, MEZ in German, UTC+8 if there is no name."""
    local = moment.astimezone(zone)
    abbreviation = local.tzname() or ""
    if abbreviation == "UTC":
        return abbreviation
    named = get_timezone_name(local, width="short", locale=regional_locale(language, country))
    if _ABBREVIATION.fullmatch(named):
        return named
    minutes = int((local.utcoffset() or timedelta()).total_seconds() // 60)
    return abbreviation if _ABBREVIATIONS.get(abbreviation) == minutes else _offset(minutes)


def _offset(minutes: int) -> str:
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
