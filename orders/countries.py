"""Where somebody is, as far as an open order or the browser tells: a guess, always changeable on the page."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from babel.core import get_global
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

from orders.models import Order

COUNTRY = re.compile(r"[A-Z]{2}")
HEADER_LENGTH = 500  # characters of Accept-Language that are looked at


def country_code(typed: Any) -> str:
    """A country as two capital letters; empty where it is none."""
    code = unicodedata.normalize("NFKC", str(typed or "")).replace("\x00", "").strip().upper()
    return code if COUNTRY.fullmatch(code) else ""


def guess_country(request: HttpRequest, orders: Iterable[Order]) -> str:
    """Where an open order was bought; else what the browser's language says; else where the language is at home."""
    for order in orders:
        if code := country_code(order.billing_country):
            return code
    for language, _weight in parse_accept_lang_header(
        request.headers.get("Accept-Language", "")[:HEADER_LENGTH].lower()
    ):
        if code := country_code(language.rpartition("-")[2] if "-" in language else ""):
            return code
    language = (get_language() or "en").split("-")[0]
    return get_global("likely_subtags").get(language, "en_Latn_US").split("_")[-1]
