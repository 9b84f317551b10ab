"""The portal's own format: JSON Lines, one order a line (docs/store-formats.md)."""

import json
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from intake.feed import Context, Feed, Item
from intake.reading import Head, SourceFile
from intake.records import OrderRecord, Refused

COMMENT = "#"  # the rejects file says its reasons in such lines

_STORE = re.compile(r'"store"\s*:\s*"([^"\\]*)"')
_NUMBER = re.compile(r'"number"\s*:\s*"([^"\\]*)"')
_FRACTION = re.compile(r"[:\[,]\s*-?[0-9]+[.eE]")  # outside strings, or so it may look
_TIME_IN_DIGITS = re.compile(r'"(?:\w+_)?at"\s*:\s*"[-+]?[0-9.]+"')


def matches(head: Head) -> bool:
    lines = head.text.lstrip().splitlines()
    return any(line.startswith("{") and '"placed_at"' in line and '"number"' in line for line in lines)


def read(source: SourceFile, context: Context) -> Iterator[Item]:
    for line in source.lines():
        if not line.text.startswith(COMMENT):
            yield Item(line.line, line.text, _guess(line.text), line.problem)


def _guess(text: str) -> tuple[str, str] | None:
    store, number = _STORE.search(text), _NUMBER.search(text)
    return (store[1], number[1]) if store and number else None


def parse(item: Item, context: Context) -> OrderRecord:
    text = str(item.raw)
    if _FRACTION.search(text):
        text = _numbers_as_text(text)
    if digits := _TIME_IN_DIGITS.search(text):
        raise Refused(_("%(time)s is not a time as in 2026-11-01T10:00:00+01:00") % {"time": digits[0].split('"')[1]})
    return OrderRecord.model_validate_json(text)


def _numbers_as_text(text: str) -> str:
    """The same JSON with its fractions in quotes: an amount never passes through a float."""
    try:
        return json.dumps(json.loads(text, parse_float=str))
    except (ValueError, RecursionError):
        return text  # the judge says what is wrong with it


FEED = Feed(
    name="portal",
    title="portal",
    matches=matches,
    read=read,
    parse=parse,
    says_store=True,
    identifiers=frozenset({"number", "id", "sku", "serial", "extends", "password", "store"}),
)
