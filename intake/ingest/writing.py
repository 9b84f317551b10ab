"""Save a batch: new rows by COPY into their tables, changed rows by COPY into a staging table and UPDATE."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from pydantic_core import to_json

from intake.ingest.columns import (
    LICENSE_COLUMNS,
    LINE_COLUMNS,
    LINK_COLUMNS,
    ORDER_COLUMNS,
    REFUND_COLUMNS,
    SKU_COLUMNS,
)
from intake.ingest.state import Batch
from licenses.models import License, LicensedLine, Sku
from orders.models import Order, OrderLine, Refund

JSON_COLUMNS = ("sources", "lines")
_NULL = "\x01"  # stands for NULL in COPY; needs no escaping and occurs in no text
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def new_ids(model: type[models.Model], count: int) -> list[int]:
    """Reserve ids for rows that will be inserted."""
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
    """Save all changes, with a few statements per table. Parent rows are written before their children."""
    with connection.cursor() as cursor:
        _delete(cursor, LicensedLine, batch.removed_links)
        _delete(cursor, OrderLine, batch.removed_lines)
        _write_orders(cursor, batch, now)
        _write_lines(cursor, batch)
        _write_licenses(cursor, batch)
        _write_links(cursor, batch)
        _write_refunds(cursor, batch, now)
        _write_skus(cursor, batch)


def _write_orders(cursor: CursorWrapper, batch: Batch, now: datetime) -> None:
    orders = batch.orders.values()
    fixed_columns = ("id", "public_id", "store_id", "contact_email", "password_generation", "created_at")
    new = [order for order in orders if order.is_new]
    _insert(
        cursor,
        Order,
        fixed_columns + ORDER_COLUMNS,
        [
            (order.id, public_id, order.store_id, "", 0, str(now), *_new_order_values(order.columns))
            for order, public_id in zip(new, _public_ids(cursor, len(new)), strict=True)
        ],
    )
    changed = [order for order in orders if not order.is_new and (order.changed or order.sources_changed)]
    _update(cursor, Order, ORDER_COLUMNS, [(order.id, *_values(order.columns, ORDER_COLUMNS)) for order in changed])


def _public_ids(cursor: CursorWrapper, count: int) -> list[str]:
    """Random UUIDs from the database, which creates them ten times as fast as Python."""
    if not count:
        return []
    cursor.execute("SELECT gen_random_uuid()::text FROM generate_series(1, %s)", [count])
    return [row[0] for row in cursor.fetchall()]


def _write_lines(cursor: CursorWrapper, batch: Batch) -> None:
    lines = [(order, line) for order in batch.orders.values() for line in order.lines.values()]
    changed = [line for _order, line in lines if line.id is not None and line.changed]
    _update(cursor, OrderLine, LINE_COLUMNS, [(line.id, *_values(line.columns, LINE_COLUMNS)) for line in changed])
    new = [(order, line) for order, line in lines if line.id is None]
    for (_order, line), line_id in zip(new, new_ids(OrderLine, len(new)), strict=True):
        line.id = line_id
    _insert(
        cursor,
        OrderLine,
        ("id", "order_id", *LINE_COLUMNS),
        [(line.id, order.id, *line.columns.values()) for order, line in new],
    )


def _write_licenses(cursor: CursorWrapper, batch: Batch) -> None:
    licenses = batch.licenses.values()
    # The other columns of existing licenses are derived from their lines afterwards.
    changed = [license for license in licenses if license.id is not None and license.changed]
    _update(cursor, License, ("activated_at",), [(license.id, license.columns["activated_at"]) for license in changed])
    new = [license for license in licenses if license.id is None]
    for license, license_id in zip(new, new_ids(License, len(new)), strict=True):
        license.id = license_id
    _insert(
        cursor,
        License,
        ("id", "staff_decision", *LICENSE_COLUMNS),
        [(license.id, "", *license.columns.values()) for license in new],
    )


def _write_links(cursor: CursorWrapper, batch: Batch) -> None:
    links = [
        (order, line, link)
        for order in batch.orders.values()
        for line in order.lines.values()
        for link in line.links.values()
    ]
    changed = [link for _order, _line, link in links if link.id is not None and link.changed]
    _update(cursor, LicensedLine, LINK_COLUMNS, [(link.id, *_values(link.columns, LINK_COLUMNS)) for link in changed])
    new = [(order, line, link) for order, line, link in links if link.id is None]
    ids = new_ids(LicensedLine, len(new))
    _insert(
        cursor,
        LicensedLine,
        ("id", "line_id", "order_id", "license_id", "origin", "unit_end", "ends_with_refund", *LINK_COLUMNS),
        [
            (link_id, line.id, order.id, link.license.id, LicensedLine.Origin.STORE, "", False, *link.columns.values())
            for link_id, (order, line, link) in zip(ids, new, strict=True)
        ],
    )


def _write_refunds(cursor: CursorWrapper, batch: Batch, now: datetime) -> None:
    """A refund that comes with its order is recorded at the moment at which the order was created."""
    refunds = [(order, refund) for order in batch.orders.values() for refund in order.refunds.values()]
    changed = [refund for _order, refund in refunds if refund.id is not None and refund.changed]
    _update(
        cursor, Refund, REFUND_COLUMNS, [(refund.id, *_values(refund.columns, REFUND_COLUMNS)) for refund in changed]
    )
    new = [(order, refund) for order, refund in refunds if refund.id is None]
    ids = new_ids(Refund, len(new))
    _insert(
        cursor,
        Refund,
        ("id", "order_id", "recorded_at", *REFUND_COLUMNS),
        [
            (refund_id, order.id, str(now), *_values(refund.columns, REFUND_COLUMNS))
            for refund_id, (order, refund) in zip(ids, new, strict=True)
        ],
    )


# Locked in the order of their ids, as staff's changes lock them. What staff chose meanwhile stays.
_UPDATE_SKUS = f"""
WITH told AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[], %s::boolean[])
        AS told (id, product_id, has_serials, has_untold_kinds)
), locked AS MATERIALIZED (
    SELECT sku.id, told.product_id, told.has_serials, told.has_untold_kinds
    FROM {Sku._meta.db_table} AS sku JOIN told ON told.id = sku.id
    WHERE (told.has_serials AND NOT sku.has_serials) OR (told.has_untold_kinds AND NOT sku.has_untold_kinds)
        OR (sku.product_id IS NULL AND told.product_id IS NOT NULL AND NOT sku.product_from_staff)
    ORDER BY sku.id FOR NO KEY UPDATE OF sku
)
UPDATE {Sku._meta.db_table} AS sku SET
    product_id = CASE WHEN sku.product_from_staff THEN sku.product_id
        ELSE coalesce(sku.product_id, locked.product_id) END,
    has_serials = sku.has_serials OR locked.has_serials,
    has_untold_kinds = sku.has_untold_kinds OR locked.has_untold_kinds
FROM locked WHERE sku.id = locked.id
"""  # noqa: S608


def _write_skus(cursor: CursorWrapper, batch: Batch) -> None:
    skus = batch.skus.values()
    for sku in batch.licensed_skus:
        sku.columns["has_serials"] = True
    # All of them in one statement, so that the number of queries doesn't depend on what was known before.
    changed = {sku.id: sku.columns for sku in skus if sku.id is not None and sku.changed}
    changed |= {sku.id: sku.columns for sku in batch.licensed_skus if sku.id is not None}
    if changed:
        names = ("product_id", "has_serials", "has_untold_kinds")
        cursor.execute(
            _UPDATE_SKUS, [list(changed), *([columns[name] for columns in changed.values()] for name in names)]
        )
    new = [sku for sku in skus if sku.id is None]
    for sku, sku_id in zip(new, new_ids(Sku, len(new)), strict=True):
        sku.id = sku_id
    _insert(cursor, Sku, ("id", *SKU_COLUMNS), [(sku.id, *_values(sku.columns, SKU_COLUMNS)) for sku in new])


def _values(columns: dict[str, Any], names: Sequence[str]) -> list[Any]:
    return [_as_json(columns[name]) if name in JSON_COLUMNS else columns[name] for name in names]


def _new_order_values(columns: dict[str, Any]) -> list[Any]:
    """The same for a new order, whose columns are in the order of ORDER_COLUMNS, the JSON column last."""
    values = list(columns.values())
    values[-1] = _as_json(values[-1])
    return values


def _as_json(value: Any) -> str:
    return to_json(value).decode()


# --- SQL: table and column names come from the models, never from a file ---------------------------------


def _insert(cursor: CursorWrapper, model: type[models.Model], columns: Sequence[str], rows: Sequence[Any]) -> None:
    if rows:
        _copy(cursor, model._meta.db_table, columns, rows)


def _update(cursor: CursorWrapper, model: type[models.Model], columns: Sequence[str], rows: Sequence[Any]) -> None:
    """Update the rows; the first value of each is its id."""
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


# What the portal has set stands above what an import brings: the key of a corrected address, and the password of an
# order whose earlier one must no longer be valid, which the store does not know.
_IMPORTED_ONLY_IF = {"email_key": "contact_email = ''", "password_hash": "password_generation = 0"}


def _new_value(table: str, column: str) -> str:
    """The imported value, or the one that is kept (see _IMPORTED_ONLY_IF)."""
    imported = f"staging_{table}.{column}"
    if column not in _IMPORTED_ONLY_IF:
        return imported
    return f"CASE WHEN {table}.{_IMPORTED_ONLY_IF[column]} THEN {imported} ELSE {table}.{column} END"


def _delete(cursor: CursorWrapper, model: type[models.Model], ids: list[int]) -> None:
    if ids:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [ids])  # noqa: S608


def _copy(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = "".join([_copy_line(row) for row in rows])
    with connection.wrap_database_errors:  # Django does this for its own methods only
        cursor.copy_expert(
            f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (NULL '{_NULL}')", io.StringIO(text), len(text) + 1
        )


def _copy_line(row: Sequence[Any]) -> str:
    """Format a row for COPY. Rows are escaped only if necessary, which is rare."""
    # Inlined, because this runs for every value of every row.
    values = [value if value.__class__ is str else _NULL if value is None else str(value) for value in row]
    line = "\t".join(values)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(values):
        line = "\t".join([value.translate(_SPECIAL) for value in values])
    return line + "\n"
