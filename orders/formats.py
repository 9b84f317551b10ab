"""Localized dates, countries and payment methods, by Babel's CLDR data. Money is in orders/money.py."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_percent
from django.conf import settings
from django.utils.translation import get_language, gettext, ngettext, to_locale
from django.utils.translation import gettext_lazy as _

from orders.models import Order, Refund

# Entries per cache. An order page shows many dates and amounts, but few different ones.
CACHED_RESULTS = 4096
MINUTES_UNTIL_HOURS = 120  # shorter waits are told in minutes

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
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(to_locale(settings.LANGUAGE_CODE))


def active_language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def active_locale() -> Locale:
    return locale_for(active_language())


def percent(rate: Decimal) -> str:
    """Format a tax rate, given in percent: 19 → 19%, 7.250 → 7.25%."""
    return format_percent(rate.normalize() / 100, locale=active_locale(), decimal_quantization=False)


@lru_cache(maxsize=CACHED_RESULTS)
def _day(value: date, language: str) -> str:
    return format_date(value, "long", locale=locale_for(language))


def day(value: date) -> str:
    return _day(value, active_language())


def local_day(moment: datetime, zone: tzinfo) -> str:
    return day(moment.astimezone(zone).date())


def refund_day(refund: Refund, zone: tzinfo) -> str:
    """Format the day of a refund. Without a date of its own: "before" the day on which we learned of it."""
    known = local_day(refund.known_at, zone)
    return known if refund.refunded_at else gettext("before %(day)s") % {"day": known}


@lru_cache(maxsize=CACHED_RESULTS)
def _local_time(moment: datetime, zone: tzinfo, language: str) -> str:
    local, locale = moment.astimezone(zone), locale_for(language)
    return f"{format_date(local, 'long', locale=locale)}, {format_time(local, 'short', locale=locale)}"


def local_time(moment: datetime, zone: tzinfo) -> str:
    """Format date and time in a zone, without its name; see `zone_name`."""
    return _local_time(moment, zone, active_language())


@lru_cache(maxsize=CACHED_RESULTS)
def _zone_name(moment: datetime, zone: tzinfo, language: str) -> str:
    return get_timezone_name(moment.astimezone(zone), width="long", locale=locale_for(language))


def zone_name(moment: datetime, zone: tzinfo) -> str:
    """Return the name of the zone at that moment, such as Central European Standard Time."""
    return _zone_name(moment, zone, active_language())


def wait(now: datetime, until: datetime) -> str:
    """Format how long to wait and until when, both rounded up to a minute: "12 minutes (2:20 PM UTC)".

    The portal does not know the reader's time zone, but the length of the wait is right in all of them.
    """
    minutes = max(1, math.ceil((until - now) / timedelta(minutes=1)))
    until = (until + timedelta(minutes=1, microseconds=-1)).astimezone(UTC).replace(second=0, microsecond=0)
    if minutes < MINUTES_UNTIL_HOURS:
        length = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    else:
        length = gettext("about %(count)s hours") % {"count": round(minutes / 60)}
    is_today = until.date() == now.astimezone(UTC).date()
    time = format_time(until, "short", locale=active_locale()) if is_today else local_time(until, UTC)
    return gettext("%(length)s (%(time)s UTC)") % {"length": length, "time": time}


def country(code: str) -> str:
    """Return the name of a country; the code itself if it is unknown."""
    return active_locale().territories.get(code.upper(), code)


def _label(code: str, known: Mapping[str, Any]) -> str:
    """Return the label of a code that a store sent, also if it is unknown: klarna_later → Klarna later."""
    key = code.strip().lower().replace(" ", "_").replace("-", "_")
    return str(known.get(key) or code.replace("_", " ").strip().capitalize())


def card_brand(code: str) -> str:
    return _label(code, CARD_BRANDS)


def wallet(code: str) -> str:
    return _label(code, WALLETS)


def payment(order: Order) -> str:
    """Return how the order was paid, without card digits; empty if the store does not say."""
    if order.wallet:
        return wallet(order.wallet)
    if order.card_brand:
        return card_brand(order.card_brand)
    return _label(order.payment_method, PAYMENT_METHODS) if order.payment_method else ""


def payment_line(order: Order) -> str:
    """As `payment`, with the last 4 digits if they are known."""
    digits = order.card_last4 or order.device_last4
    method = payment(order)
    if not digits:
        return method
    return gettext("%(card)s ending in %(digits)s") % {"card": method or gettext("Card"), "digits": digits}
