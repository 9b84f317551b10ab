"""Localized dates, countries and payment methods, by Babel's CLDR data. Money is in orders/money.py."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent
from django.conf import settings
from django.utils.translation import get_language, gettext, ngettext, to_locale
from django.utils.translation import gettext_lazy as _

from orders.localities import Locality, visitor_country
from orders.models import Order, Refund
from orders.regional_locales import regional_locale, short_zone_name

# Entries per cache. An order page shows many dates and amounts, but few distinct ones.
CACHED_RESULTS = 4096
MINUTES_UNTIL_HOURS = 120  # shorter waits are shown in minutes
# In these languages, the first day of a month is an ordinal number: 1er novembre 2026. Babel writes 1 novembre.
FIRST_OF_MONTH = {"fr": "1er", "it": "1º"}

CARD_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "american_express": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "diners_club": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "maestro": "Maestro",
}
WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay", "samsung_pay": "Samsung Pay", "link": "Link"}
PAYMENT_METHODS = {
    "card": _("Card"),
    "paypal": "PayPal",
    "bank_transfer": _("Bank transfer"),
    "sepa_debit": _("SEPA direct debit"),
    "invoice": _("Invoice"),
}


@lru_cache(maxsize=64)
def locale_for(language: str) -> Locale:
    """Return the locale of a language, for numbers, money and names. Dates need a country, too."""
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(to_locale(settings.LANGUAGE_CODE))


def active_language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def active_locale() -> Locale:
    return locale_for(active_language())


def count(number: int) -> str:
    """Format a number of things: 1,200 in English, 1.200 in German."""
    return format_decimal(number, locale=active_locale())


def percent(rate: Decimal) -> str:
    """Format a tax rate, given in percent: 19 → 19%, 7.250 → 7.25%."""
    return format_percent(rate.normalize() / 100, locale=active_locale(), decimal_quantization=False)


# --- Dates and times --------------------------------------------------------------------------------------
# The language determines words. The country of the order determines the order of day and month, and the clock.
# `place` is an order's locality or, where there is no order, a time zone.


@lru_cache(maxsize=CACHED_RESULTS)
def _day(value: date, language: str, country: str) -> str:
    locale = regional_locale(language, country)
    shown = format_date(value, "long", locale=locale)
    first = FIRST_OF_MONTH.get(locale.language)
    return re.sub(r"^1\b", first, shown) if first else shown


@lru_cache(maxsize=CACHED_RESULTS)
def _clock(moment: datetime, zone: tzinfo, language: str, country: str) -> str:
    return format_time(moment.astimezone(zone), "short", locale=regional_locale(language, country))


def _country_of(place: Locality | tzinfo | None) -> str:
    """Return the country whose date format is used: the place's or, if that is unknown, the visitor's."""
    return (Locality.of(place).country if place is not None else "") or visitor_country.get()


def day(value: date, place: Locality | tzinfo | None = None) -> str:
    """Format a date: 15 November 2026, or November 15, 2026."""
    return _day(value, active_language(), _country_of(place))


def local_day(moment: datetime, place: Locality | tzinfo) -> str:
    """Format the date of a moment in a time zone."""
    return day(moment.astimezone(Locality.of(place).zone).date(), place)


def local_day_with_zone(moment: datetime, place: Locality | tzinfo) -> str:
    """Like `local_day`, with the name of the zone if it is known: 15 November 2026 (CET)."""
    place = Locality.of(place)
    shown = local_day(moment, place)
    return f"{shown} ({zone_name(moment, place)})" if place.is_zone_known else shown


def refund_day(refund: Refund, place: Locality | tzinfo) -> str:
    """Format the day of a refund. Without a date, it is "before" the day on which it was imported."""
    known = local_day(refund.known_at, place)
    return known if refund.refunded_at else gettext("before %(day)s") % {"day": known}


def clock(moment: datetime, place: Locality | tzinfo) -> str:
    """Format a time of day in a zone, without the zone's name: 14:05, or 2:05 PM."""
    return _clock(moment, Locality.of(place).zone, active_language(), _country_of(place))


def local_time(moment: datetime, place: Locality | tzinfo) -> str:
    """Format date, time and zone: 15 November 2026, 14:05 CET. Only the date if the zone has not been set."""
    place = Locality.of(place)
    shown = local_day(moment, place)
    return f"{shown}, {clock(moment, place)} {zone_name(moment, place)}" if place.is_zone_known else shown


def exact_time(moment: datetime, place: Locality | tzinfo) -> str:
    """Like `local_time`, but always with the time of day, as the law requires for a withdrawal: in UTC if necessary."""
    place = Locality.of(place)
    return local_time(moment, place if place.is_zone_known else replace(place, zone=UTC, is_zone_known=True))


def zone_name(moment: datetime, place: Locality | tzinfo) -> str:
    """Return the short name of a time zone at that moment, such as CET, or CEST in summer."""
    return short_zone_name(moment, Locality.of(place).zone, active_language(), _country_of(place))


def wait(now: datetime, until: datetime) -> str:
    """Format how long to wait and until when, both rounded up to a minute: "12 minutes (2:20 PM UTC)".

    The portal doesn't know the reader's time zone, but the length of the wait is correct in all of them.
    """
    minutes = max(1, math.ceil((until - now) / timedelta(minutes=1)))
    until = (until + timedelta(minutes=1, microseconds=-1)).astimezone(UTC).replace(second=0, microsecond=0)
    if minutes < MINUTES_UNTIL_HOURS:
        length = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    else:
        length = gettext("about %(count)s hours") % {"count": round(minutes / 60)}
    is_today = until.date() == now.astimezone(UTC).date()
    time = f"{clock(until, UTC)} UTC" if is_today else local_time(until, UTC)
    return f"{length} ({time})"


def country(code: str) -> str:
    """Return the name of a country; the code itself if it is unknown."""
    return active_locale().territories.get(code.upper(), code)


def _label(code: str, known: Mapping[str, Any]) -> str:
    """Return the label of a store's code, even if it is unknown: klarna_later → Klarna later."""
    key = code.strip().lower().replace(" ", "_").replace("-", "_")
    return str(known.get(key) or code.replace("_", " ").strip().capitalize())


def card_brand(code: str) -> str:
    return _label(code, CARD_BRANDS)


def wallet(code: str) -> str:
    return _label(code, WALLETS)


def payment(order: Order) -> str:
    """Return how the order was paid, without card digits; empty if unknown."""
    if order.wallet:
        return wallet(order.wallet)
    if order.card_brand:
        return card_brand(order.card_brand)
    return _label(order.payment_method, PAYMENT_METHODS) if order.payment_method else ""


def payment_line(order: Order) -> str:
    """Like `payment`, with the last 4 digits if they are known."""
    digits = order.card_last4 or order.device_last4
    method = payment(order)
    if not digits:
        return method
    return gettext("%(card)s ending in %(digits)s") % {"card": method or gettext("Card"), "digits": digits}
