"""Puts a batch back: new rows by COPY into their tables, changed rows by COPY into a staging table."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from pydantic_core import to_json

from intake.ingest.loading import LICENSE_COLUMNS, LINE_COLUMNS, ORDER_COLUMNS, REFUND_COLUMNS, SKU_COLUMNS
from intake.ingest.state import Batch
from licenses.models import License, LicensedLine, Sku
from orders.models import Order, OrderLine, Refund

JSON_COLUMNS = ("sources", "lines")
_NULL = "\x01"  # needs no escaping, and no text is this
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def new_ids(model: type[models.Model], count: int) -> list[int]:
    """Ids for rows that are about to be made."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [_sequence(model), count])
        return [row[0] for row in cursor.fetchall()]


@cache
def _sequence(model: type[models.Model]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        return str(cursor.fetchone()[0])


def write_batch(batch: Batch, now: datetime) -> None:
    """One statement a table, whatever the size of the batch; what hangs on a row comes after it."""
    with connection.cursor() as cursor:
        _delete(cursor, LicensedLine, batch.removed_links)
        _delete(cursor, Refund, batch.removed_refunds)
        _delete(cursor, OrderLine, batch.removed_lines)
        _write_orders(cursor, batch, now)
        _write_lines(cursor, batch)
        _write_licenses(cursor, batch)
        _write_links(cursor, batch)
        _write_refunds(cursor, batch)
        _write_skus(cursor, batch)


def _write_orders(cursor: CursorWrapper, batch: Batch, now: datetime) -> None:
    orders = batch.orders.values()
    own = ("id", "public_id", "store_id", "contact_email", "password_generation", "created_at")
    made = [order for order in orders if order.is_new]
    _insert(
        cursor,
        Order,
        own + ORDER_COLUMNS,
        [
            (order.id, public_id, order.store_id, "", 0, str(now), *_new_order_values(order.columns))
            for order, public_id in zip(made, _public_ids(cursor, len(made)), strict=True)
        ],
    )
    changed = [order for order in orders if not order.is_new and (order.changed or order.sources_changed)]
    _update(cursor, Order, ORDER_COLUMNS, [(order.id, *_values(order.columns, ORDER_COLUMNS)) for order in changed])


def _public_ids(cursor: CursorWrapper, count: int) -> list[str]:
    """Random UUIDs, by the database, which makes them in a tenth of Python's time."""
    if not count:
        return []
    cursor.execute("SELECT gen_random_uuid()::text FROM generate_series(1, %s)", [count])
    return [row[0] for row in cursor.fetchall()]


def _write_lines(cursor: CursorWrapper, batch: Batch) -> None:
    lines = [(order, line) for order in batch.orders.values() for line in order.lines.values()]
    changed = [line for _order, line in lines if line.id is not None and line.changed]
    _update(cursor, OrderLine, LINE_COLUMNS, [(line.id, *_values(line.columns, LINE_COLUMNS)) for line in changed])
    made = [(order, line) for order, line in lines if line.id is None]
    for (_order, line), line_id in zip(made, new_ids(OrderLine, len(made)), strict=True):
        line.id = line_id
    _insert(
        cursor,
        OrderLine,
        ("id", "order_id", *LINE_COLUMNS),
        [(line.id, order.id, *line.columns.values()) for order, line in made],
    )


def _write_licenses(cursor: CursorWrapper, batch: Batch) -> None:
    licenses = batch.licenses.values()
    changed = [license for license in licenses if license.id is not None and license.changed]
    _update(
        cursor,
        License,
        LICENSE_COLUMNS,
        [(license.id, *_values(license.columns, LICENSE_COLUMNS)) for license in changed],
    )
    made = [license for license in licenses if license.id is None]
    for license, license_id in zip(made, new_ids(License, len(made)), strict=True):
        license.id = license_id
    _insert(cursor, License, ("id", *LICENSE_COLUMNS), [(license.id, *license.columns.values()) for license in made])


def _write_links(cursor: CursorWrapper, batch: Batch) -> None:
    made = [
        (order, line, link)
        for order in batch.orders.values()
        for line in order.lines.values()
        for link in line.links.values()
        if link.id is None
    ]
    ids = new_ids(LicensedLine, len(made))
    _insert(
        cursor,
        LicensedLine,
        ("id", "line_id", "order_id", "license_id", "origin", "extended_from"),
        [
            (link_id, line.id, order.id, link.license.id, LicensedLine.Origin.STORE, link.extended_from)
            for link_id, (order, line, link) in zip(ids, made, strict=True)
        ],
    )


def _write_refunds(cursor: CursorWrapper, batch: Batch) -> None:
    refunds = [(order, refund) for order in batch.orders.values() for refund in order.refunds.values()]
    changed = [refund for _order, refund in refunds if refund.id is not None and refund.changed]
    _update(
        cursor, Refund, REFUND_COLUMNS, [(refund.id, *_values(refund.columns, REFUND_COLUMNS)) for refund in changed]
    )
    made = [(order, refund) for order, refund in refunds if refund.id is None]
    ids = new_ids(Refund, len(made))
    _insert(
        cursor,
        Refund,
        ("id", "order_id", *REFUND_COLUMNS),
        [
            (refund_id, order.id, *_values(refund.columns, REFUND_COLUMNS))
            for refund_id, (order, refund) in zip(ids, made, strict=True)
        ],
    )


def _write_skus(cursor: CursorWrapper, batch: Batch) -> None:
    skus = batch.skus.values()
    changed = [sku for sku in skus if sku.id is not None and sku.changed]
    _update(cursor, Sku, SKU_COLUMNS, [(sku.id, *_values(sku.columns, SKU_COLUMNS)) for sku in changed])
    made = [sku for sku in skus if sku.id is None]
    ids = new_ids(Sku, len(made))
    _insert(
        cursor,
        Sku,
        ("id", *SKU_COLUMNS),
        [(sku_id, *_values(sku.columns, SKU_COLUMNS)) for sku_id, sku in zip(ids, made, strict=True)],
    )


def _values(columns: dict[str, Any], names: Sequence[str]) -> list[Any]:
    return [_as_json(columns[name]) if name in JSON_COLUMNS else columns[name] for name in names]


def _new_order_values(columns: dict[str, Any]) -> list[Any]:
    """The same for an order that was just made: its columns stand in the order of ORDER_COLUMNS, JSON last."""
    values = list(columns.values())
    values[-1] = _as_json(values[-1])
    return values


def _as_json(value: Any) -> str:
    return to_json(value).decode()


# --- SQL: table and column names are the models' own, never a file's -------------------------------------


def _insert(cursor: CursorWrapper, model: type[models.Model], columns: Sequence[str], rows: Sequence[Any]) -> None:
    if rows:
        _copy(cursor, model._meta.db_table, columns, rows)


def _update(cursor: CursorWrapper, model: type[models.Model], columns: Sequence[str], rows: Sequence[Any]) -> None:
    """Rows begin with their id."""
    if not rows:
        return
    table = model._meta.db_table
    staging = f"staging_{table}"
    names = ", ".join(("id", *columns))
    cursor.execute(
        f"CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA"  # noqa: S608
    )
    _copy(cursor, staging, ("id", *columns), rows)
    assignments = ", ".join(f"{column} = {_new_value(table, column)}" for column in columns)
    cursor.execute(f"UPDATE {table} SET {assignments} FROM {staging} WHERE {table}.id = {staging}.id")  # noqa: S608
    cursor.execute(f"DROP TABLE {staging}")


def _new_value(table: str, column: str) -> str:
    """What an import brings; but the key of an order's address stays that of the corrected one, where there is one."""
    brought = f"staging_{table}.{column}"
    if column != "email_key":
        return brought
    return f"CASE WHEN {table}.contact_email = '' THEN {brought} ELSE {table}.email_key END"


def _delete(cursor: CursorWrapper, model: type[models.Model], ids: list[int]) -> None:
    if ids:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [ids])  # noqa: S608


def _copy(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = "".join([_copy_line(row) for row in rows])
    cursor.copy_expert(
        f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (NULL '{_NULL}')", io.StringIO(text), len(text) + 1
    )


def _copy_line(row: Sequence[Any]) -> str:
    """One row in the text form of COPY. Most values need no escaping, and are joined as they are."""
    # Inlined, because this runs for every value of every row.
    values = [value if value.__class__ is str else _NULL if value is None else str(value) for value in row]
    line = "\t".join(values)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(values):
        line = "\t".join([value.translate(_SPECIAL) for value in values])
    return line + "\n"
