"""Describe validation errors of a record in sentences: where they are, in the terms of the file, and how to fix them.

pydantic's own messages are written for engineers. Each type of error that the models of `intake.records` can raise has
a sentence here. Values are never repeated, because they may be passwords.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from intake.problems import Problem, ProblemCode
from intake.records import ITEM_NAMES, CardNumberFound
from orders.card_numbers import mask_card_numbers

MOST_TOLD = 3  # errors of one record
MOST_CHARACTERS = 500
_LAST4_KEYS = ("last4", "device_last4")
_CURRENCY_KEYS = ("currency", "paid_currency")

Context = Mapping[str, Any]


def describe_errors(
    error: ValidationError,
    column_names: Mapping[str, tuple[str, ...]] | None = None,
    columns: Collection[str] = (),
) -> Problem:
    """Describe the first validation errors of a record.

    `column_names` are the possible columns of each field (see `Feed`). `columns` are those of the file, in lower case.
    Fields without a column are named by their keys.
    """
    item_names: list[str] = getattr(error, ITEM_NAMES, [])
    details = error.errors(include_url=False, include_input=False)
    sentences = []
    code = ProblemCode.INVALID
    for detail in details[:MOST_TOLD]:
        where, kind, context = tuple(detail["loc"]), detail["type"], detail.get("ctx", {})
        remedy = _describe(kind, where, context)
        place = _place(where, item_names, column_names or {}, columns)
        sentences.append(f"{place}: {remedy}" if place else remedy)
        if kind == "string_pattern_mismatch" and where and where[-1] in _LAST4_KEYS:
            code = ProblemCode.SPREADSHEET_DAMAGE
        elif kind == "string_pattern_mismatch" and where and where[-1] in _CURRENCY_KEYS:
            code = ProblemCode.UNKNOWN_CURRENCY
        elif isinstance(context.get("error"), CardNumberFound):
            code = ProblemCode.CARD_NUMBER
    more = error.error_count() - len(sentences)
    if more > 0:
        sentences.append(_("And %(count)d more.") % {"count": more})
    return Problem(mask_card_numbers(" ".join(sentences))[:MOST_CHARACTERS], code)


def _place(
    where: tuple[int | str, ...],
    item_names: list[str],
    column_names: Mapping[str, tuple[str, ...]],
    columns: Collection[str],
) -> str:
    """Return the place of a value: "item 2 (“Antivirus”), sku", or its column."""
    path = ".".join(step for step in where if isinstance(step, str))
    parts = []
    keys: list[str] = []
    for step, following in zip(where, (*where[1:], ""), strict=False):
        if isinstance(step, int):
            continue
        if isinstance(following, int):
            parts.append(_element([*keys, step], following, item_names))
            keys = []
        else:
            keys.append(step)
    if names := column_names.get(path):
        present = next((name for name in names if name.lower() in columns), "")
        if present or columns:
            keys = [_("column “%(column)s”") % {"column": present or names[0]}]
    return ", ".join([*parts, ".".join(keys)] if keys else parts)


def _element(keys: list[str], index: int, item_names: list[str]) -> str:
    if keys == ["lines"]:
        name = item_names[index] if index < len(item_names) else ""
        if name:
            return _("item %(position)d (“%(name)s”)") % {"position": index + 1, "name": name[:40]}
        return _("item %(position)d") % {"position": index + 1}
    return f"{'.'.join(keys)} {index + 1}"


def _describe(kind: str, where: tuple[int | str, ...], context: Context) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _describe_pattern(str(where[-1]) if where else "")
    describe = _SENTENCES.get(kind)
    if describe is None:
        return _("This isn’t valid in this format.")
    return describe(context)


def _describe_pattern(key: str) -> str:
    if key in _LAST4_KEYS:
        return _(
            "Enter the last 4 digits of the card. If a spreadsheet removed leading zeros, export the file from the "
            "store again without saving it in a spreadsheet, or format the column as text."
        )
    if key in _CURRENCY_KEYS:
        return _("Write the currency as three capital letters, for example EUR.")
    sentences = {
        "country": _("Write the country as two letters, for example DE, or leave it empty."),
        "email": _("This isn’t an email address. Correct it or leave it empty."),
        "payer": _("This isn’t an email address. Correct it or leave it empty."),
        "store": _("Use only letters, digits and hyphens in a store’s short name."),
    }
    return sentences.get(key, _("This isn’t valid in this format."))


def _describe_lower_bound(context: Context) -> str:
    if year := _year(context["ge"]):
        return _("This is before %(year)d. Check the year.") % {"year": year}
    return _("This must be at least %(least)s.") % {"least": context["ge"]}


def _describe_upper_bound(context: Context) -> str:
    if year := _year(context["lt"]):
        return _("This is after %(year)d. Check the year.") % {"year": year - 1}
    return _("This must be less than %(most)s.") % {"most": context["lt"]}


def _year(bound: object) -> int:
    """Return the year of a date or time, which may be a text; 0 for numbers."""
    text = str(bound)
    return int(text[:4]) if text[4:5] == "-" else 0


def _amount(context: Context) -> str:
    return _("Write the amount with digits and a point, for example 12.50.")


def _whole_number(context: Context) -> str:
    return _("Write a whole number without quotation marks.")


def _day(context: Context) -> str:
    return _("Write the date like 2026-11-01.")


def _time(context: Context) -> str:
    return _("Write the time with its offset, for example 2026-11-01T10:00:00+01:00.")


def _too_large(context: Context) -> str:
    return _("This amount is too large. Use at most 13 digits before the decimal point.")


def _object(context: Context) -> str:
    return _("This must be an object in braces.")


_SENTENCES: dict[str, Callable[[Context], str]] = {
    "missing": lambda context: _("This is missing. Every order needs it."),
    "extra_forbidden": lambda context: _("This format has no such key. Correct its name or remove it."),
    "string_type": lambda context: _("Write a text in quotation marks."),
    "string_too_long": lambda context: (
        _("This is too long. Use at most %(most)d characters.") % {"most": context["max_length"]}
    ),
    "string_too_short": lambda context: _("This can’t be empty."),
    "string_unicode": lambda context: _("This isn’t UTF-8 text."),
    "decimal_type": _amount,
    "decimal_parsing": _amount,
    "finite_number": _amount,
    "decimal_max_digits": _too_large,
    "decimal_whole_digits": _too_large,
    "decimal_max_places": lambda context: (
        _("This has more than %(most)d decimals. Round it.") % {"most": context["decimal_places"]}
    ),
    "greater_than_equal": _describe_lower_bound,
    "less_than": _describe_upper_bound,
    "less_than_equal": lambda context: _("This must be at most %(most)s.") % {"most": context["le"]},
    "int_type": _whole_number,
    "int_parsing": _whole_number,
    "int_parsing_size": _whole_number,
    "int_from_float": _whole_number,
    "bool_type": lambda context: _("Write true or false without quotation marks."),
    "bool_parsing": lambda context: _("Write true or false without quotation marks."),
    "date_type": _day,
    "date_parsing": _day,
    "date_from_datetime_parsing": _day,
    "date_from_datetime_inexact": _day,
    "datetime_type": _time,
    "datetime_parsing": _time,
    "datetime_from_date_parsing": _time,
    "datetime_object_invalid": _time,
    "timezone_aware": lambda context: _("This time has no offset. Write it like 2026-11-01T10:00:00+01:00."),
    "enum": lambda context: (
        _("This must be one of: %(words)s.") % {"words": ", ".join(re.findall(r"'([^']*)'", context["expected"]))}
    ),
    "list_type": lambda context: _("This must be a list in brackets."),
    "too_long": lambda context: _("There are too many. Use at most %(most)d.") % {"most": context["max_length"]},
    "model_type": _object,
    "model_attributes_type": _object,
    "dict_type": _object,
    "json_invalid": lambda context: _("This isn’t valid JSON. Correct it or export the file again."),
    "json_type": lambda context: _("This isn’t valid JSON. Correct it or export the file again."),
}
