"""Tables in an unknown format, read with a mapping of their columns that a person confirmed.

An order has one row, or a row for each item. Its rows have the same order number and are adjacent. The values of order
fields must be equal on all rows, or appear on only one of them. Columns that aren't mapped are ignored.
"""

from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.feeds.table_orders import MappedHeader, OrderRows
from intake.mapping.fields import FIELDS, Kind
from intake.models import TableMapping
from intake.order_rows import OrderCollector, read_cell
from intake.problems import Problem
from intake.records import OrderRecord, StoreRecord
from intake.source_file import Head, SourceFile
from intake.tables import ExactColumns, read_table

NAME = "table"
MAX_OPEN_ORDERS = 500  # at most this many other orders may come between the rows of an order
# Text that a spreadsheet may have changed, and generated numbers that can't be card numbers.
_EXACT = frozenset(("number", "sku", "serials", "last4", "reference", "invoice_number", "postcode", "vat_id"))
_IDENTIFIERS = frozenset(("number", "sku", "serials", "reference", "invoice_number"))


def make_feed(mapping: TableMapping) -> Feed:
    """Return the feed that reads tables with this mapping."""
    names: dict[str, list[str]] = {}
    for column, field in mapping.columns.items():
        names.setdefault(field, []).append(column)

    def columns(*kinds: Kind) -> frozenset[str]:
        return frozenset(column for column, field in mapping.columns.items() if FIELDS[field].kind in kinds)

    return Feed(
        name=NAME,
        title=str(mapping),
        matches=lambda head: False,
        reads_table=partial(_has_number, mapping),
        read_items=partial(_read_items, mapping),
        parse_item=partial(_parse_item, mapping),
        is_table=True,
        date_columns=columns(Kind.TIME),
        amount_columns=columns(Kind.AMOUNT, Kind.QUANTITY),
        required_columns=tuple((column,) for column in names.get("number", ())),
        column_names={FIELDS[field].path: tuple(found) for field, found in names.items()},
        identifiers=frozenset(column for column, field in mapping.columns.items() if field in _IDENTIFIERS),
    )


def _has_number(mapping: TableMapping, head: Head) -> bool:
    return mapping.column_of("number") in head.columns


def _exact_columns(mapping: TableMapping) -> ExactColumns:
    texts = frozenset(column for column, field in mapping.columns.items() if field in _EXACT)
    postcode, country = mapping.column_of("postcode"), mapping.column_of("country")
    return ExactColumns(texts, ((postcode, country),) if postcode and country else ())


def _read_items(mapping: TableMapping, source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    """Collect the rows of each order."""
    scattered: set[str] = set()
    if not mapping.column_of("total"):
        scattered = _scattered_orders(mapping, source)
    table = read_table(source, _exact_columns(mapping))
    first = next(table, None)
    if first is None:
        return
    header = MappedHeader(first.cells, mapping)
    number_at = header.names.index(mapping.column_of("number"))
    collector = OrderCollector(header, context, MAX_OPEN_ORDERS)
    for row in table:
        number = read_cell(row, number_at, source.head.delimiter)
        if row.problem:
            yield from collector.reject(number, row, row.problem)
        elif not number:
            problem = Problem(_("This row has no order number."))
            if header.has_item(row.cells):
                yield from collector.reject("", row, problem)
            else:  # such as a row with the sum of all orders
                yield RawItem(row.line, [row.cells], problem=problem)
        elif collector.get(number):
            collector.add(number, row)
        else:
            reason = _("The rows of this order don’t follow each other. Sort the file by order number.")
            yield from collector.begin(number, row, reason if number in scattered else "")
    yield from collector.finish()


def _scattered_orders(mapping: TableMapping, source: SourceFile) -> set[str]:
    """Return the numbers of orders whose rows are not adjacent.

    Without a total, an order costs the sum of its items, so it must never be imported with only a part of them.
    """
    ended: set[int] = set()
    scattered: set[str] = set()
    last = ""
    number_at = -1
    for row in read_table(source):
        if number_at < 0:
            number_at = row.cells.index(mapping.column_of("number"))
            continue
        number = read_cell(row, number_at, source.head.delimiter)
        if number and number != last:
            ended.add(hash(last))
            if hash(number) in ended:
                scattered.add(number)
            last = number
    source.close()
    return scattered


def _parse_item(mapping: TableMapping, item: RawItem, context: FeedContext) -> OrderRecord:
    cells = [row for row in item.raw if isinstance(row, list)]
    return StoreRecord.model_validate(OrderRows(cells, item.content, mapping, context).to_record())
