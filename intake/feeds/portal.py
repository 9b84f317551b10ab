"""The portal's own format: JSON Lines, one order per line (docs/store-formats.md)."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from intake.feed import Feed, FeedContext, RawItem
from intake.records import OrderRecord
from intake.source_file import Head, SourceFile

MAX_EXACT_FLOAT = Decimal(10**12)  # below this, three decimals survive a float exactly
COMMENT = "#"  # lines with reasons in a rejects file

_STORE = re.compile(r'"store"\s*:\s*"([^"\\]*)"')
_NUMBER = re.compile(r'"number"\s*:\s*"([^"\\]*)"')


def matches(head: Head) -> bool:
    lines = head.text.lstrip().splitlines()
    return any(line.startswith("{") and '"placed_at"' in line and '"number"' in line for line in lines)


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for line in source.lines():
        if not line.text.startswith(COMMENT):
            yield RawItem(line.line, line.text, _guess_key(line.text), line.problem)


def _guess_key(text: str) -> tuple[str, str] | None:
    store, number = _STORE.search(text), _NUMBER.search(text)
    return (store[1], number[1]) if store and number else None


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    text = str(item.raw)
    record = OrderRecord.model_validate_json(text)
    if _exceeds_float_precision(record):
        return OrderRecord.model_validate_json(_quote_fractions(text))
    return record


def _exceeds_float_precision(record: OrderRecord) -> bool:
    """Whether a JSON number is so large that it may have lost digits as a float."""
    amounts: list[Decimal | None] = [refund.amount for refund in record.refunds or ()]
    if record.totals:
        amounts += (record.totals.subtotal, record.totals.discount, record.totals.tax, record.totals.total)
    for line in record.lines:
        amounts += (line.unit_price, line.discount, line.tax, line.total)
    known = [amount for amount in amounts if amount]
    return bool(known) and (max(known) >= MAX_EXACT_FLOAT or min(known) <= -MAX_EXACT_FLOAT)


def _quote_fractions(text: str) -> str:
    """Return the same JSON with fractions as strings, so that amounts never become floats."""
    try:
        return json.dumps(json.loads(text, parse_float=str))
    except (ValueError, RecursionError):
        return text  # validation reports the error


FEED = Feed(
    name="portal",
    title="the portal",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    names_store=True,
    identifiers=frozenset({"number", "id", "sku", "serial", "extends", "password", "store"}),
)
