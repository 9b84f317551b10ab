"""Detect the order of dates in a whole table, and whether its decimals follow a comma or a point."""

from dataclasses import dataclass

from intake.dates import DateOrderEvidence
from intake.feed import Feed
from intake.source_file import SourceFile, is_json_text
from intake.values import AmountEvidence

SAMPLE_ROWS = 1_000  # rows; usually enough


@dataclass(frozen=True)
class Notation:
    """How a file writes dates and amounts. See `FeedContext` for both fields."""

    date_order: str
    decimal_comma: bool | None


def detect_notation(source: SourceFile, feed: Feed, date_order: str = "") -> Notation:
    """Detect how a file writes numeric dates and amounts, unless a person set the `date_order`.

    Reads the whole file, in constant memory, if its first rows have numeric dates, or no amount that shows the decimal
    sign. If no row shows it, it stays unknown, and ambiguous values are rejected.
    """
    if is_json_text(source.head.text):
        return Notation(date_order, False)
    names = [name.strip().lower() for name in source.head.header]
    date_columns = [(index, name) for index, name in enumerate(names) if name in feed.date_columns and not date_order]
    amount_columns = [index for index, name in enumerate(names) if name in feed.amount_columns]
    dates, amounts = DateOrderEvidence(), AmountEvidence()
    if date_columns or amount_columns:
        for number, row in enumerate(source.rows()):
            if number > SAMPLE_ROWS and not dates.found_numeric and (amounts.found or not amount_columns):
                break
            cells = row.cells
            if number == 0 or row.problem or len(cells) < len(names):
                continue
            for index, name in date_columns:
                if cells[index]:
                    dates.add(name, cells[index])
            for index in amount_columns:
                if cells[index]:
                    amounts.add(cells[index])
        source.close()
    decimal_comma = amounts.decimal_comma
    if not amounts.found and source.head.delimiter == ";":
        decimal_comma = True  # tables with semicolons come from locales with a decimal comma
    return Notation(date_order or dates.order, decimal_comma)
