"""Country codes, and a guess of the visitor's country. Pages that use the guess let the visitor change it."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from babel.core import get_global
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

from orders.models import Order

COUNTRY_CODE = re.compile(r"[A-Z]{2}")
HEADER_LENGTH = 500  # characters of Accept-Language that are parsed


def parse_country_code(typed: Any) -> str:
    """Return two capital letters, or an empty string if the input does not have the shape of a country code."""
    code = unicodedata.normalize("NFKC", str(typed or "")).replace("\x00", "").strip().upper()
    return code if COUNTRY_CODE.fullmatch(code) else ""


def browser_country(request: HttpRequest) -> str:
    """Return the region of the browser's language, such as GB for en-GB; empty if it has none."""
    for language, _weight in parse_accept_lang_header(
        request.headers.get("Accept-Language", "")[:HEADER_LENGTH].lower()
    ):
        if code := parse_country_code(language.rpartition("-")[2] if "-" in language else ""):
            return code
    return ""


def guess_country(request: HttpRequest, orders: Iterable[Order]) -> str:
    """Return the billing country of an order, otherwise the region of the browser's language, otherwise its likely
    region.
    """
    for order in orders:
        if code := parse_country_code(order.billing_country):
            return code
    if code := browser_country(request):
        return code
    language = (get_language() or "en").split("-")[0]
    return get_global("likely_subtags").get(language, "en_Latn_US").split("_")[-1]
