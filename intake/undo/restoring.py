"""Delete the orders that a run created, and restore the rows of those that it changed. The caller has locked them."""

from collections.abc import Collection, Sequence

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from intake.ingest.columns import ORDER_COLUMNS
from intake.ingest.order_state import CHILD_TABLES
from intake.models import ImportChange
from orders.models import Order

_CHANGES = ImportChange._meta.db_table


def licenses_of(run_id: int, order_ids: Collection[int]) -> set[int]:
    """Return the licenses that are on these orders, or were before the run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT license_id FROM licenses_licensedline WHERE order_id = ANY(%(ids)s::bigint[])"  # noqa: S608
            " UNION SELECT (link ->> 'license_id')::bigint"
            f" FROM {_CHANGES}, jsonb_array_elements(before -> 'links') AS link"
            " WHERE run_id = %(run)s AND order_id = ANY(%(ids)s::bigint[])",
            {"ids": list(order_ids), "run": run_id},
        )
        return {license_id for (license_id,) in cursor.fetchall()}


def delete_orders(order_ids: Sequence[int]) -> None:
    """Delete orders with the rows that imports write. Raises IntegrityError if any other row refers to them."""
    if not order_ids:
        return
    with connection.cursor() as cursor:
        # In SQL, because deleting through the models would also delete the rows that refer to them.
        for model in reversed(CHILD_TABLES.values()):
            cursor.execute(
                f"DELETE FROM {model._meta.db_table} WHERE order_id = ANY(%s)",  # noqa: S608
                [list(order_ids)],
            )
        cursor.execute("DELETE FROM orders_order WHERE id = ANY(%s)", [list(order_ids)])
        _check_references(cursor)


def restore_orders(run_id: int, order_ids: Sequence[int]) -> None:
    """Restore the columns that imports write, in all tables of an order."""
    if not order_ids:
        return
    with connection.cursor() as cursor:
        columns = _stored_columns(cursor, run_id, order_ids, "jsonb_build_array(before -> 'order')", Order)
        assignments = ", ".join(f"{name} = known.{name}" for name in columns if name in ORDER_COLUMNS)
        cursor.execute(
            f"UPDATE orders_order SET {assignments}"  # noqa: S608
            f" FROM {_CHANGES} AS change, jsonb_populate_record(NULL::orders_order, change.before -> 'order') AS known"
            " WHERE change.run_id = %s AND change.order_id = ANY(%s) AND orders_order.id = change.order_id",
            [run_id, list(order_ids)],
        )
        for name, model in reversed(CHILD_TABLES.items()):
            _delete_other_rows(cursor, run_id, order_ids, name, model)
        for name, model in CHILD_TABLES.items():
            _insert_missing_rows(cursor, run_id, order_ids, name, model)
        _check_references(cursor)


def same_columns(table: str, row: str) -> str:
    """Return the condition that a table row has the same columns as one stored as JSON. Newer columns don't count."""
    # Not `@>`, because for it a list contains each shorter one.
    return (
        f"NOT EXISTS (SELECT FROM jsonb_each({row}) AS stored"  # noqa: S608
        f" WHERE to_jsonb({table}) -> stored.key IS DISTINCT FROM stored.value)"
    )


def _known_rows(name: str) -> str:
    """Return the rows of one table before the run, as JSON. Takes `run` and `ids`."""
    return (
        "WITH known AS MATERIALIZED (SELECT (row ->> 'id')::bigint AS id, row"  # noqa: S608
        f" FROM {_CHANGES}, jsonb_array_elements(before -> '{name}') AS row"
        " WHERE run_id = %(run)s AND order_id = ANY(%(ids)s::bigint[]))"
    )


def _delete_other_rows(
    cursor: CursorWrapper, run_id: int, order_ids: Sequence[int], name: str, model: type[models.Model]
) -> None:
    """Delete rows that the run added or changed. Those that it changed are inserted again.

    Foreign keys to them are checked at the end, so rows of other apps that refer to a changed row stay valid.
    """
    table = model._meta.db_table
    cursor.execute(
        f"{_known_rows(name)} DELETE FROM {table} WHERE order_id = ANY(%(ids)s::bigint[])"  # noqa: S608
        f" AND NOT EXISTS (SELECT FROM known WHERE known.id = {table}.id AND {same_columns(table, 'known.row')})",
        {"run": run_id, "ids": list(order_ids)},
    )


def _insert_missing_rows(
    cursor: CursorWrapper, run_id: int, order_ids: Sequence[int], name: str, model: type[models.Model]
) -> None:
    columns = _stored_columns(cursor, run_id, order_ids, f"before -> '{name}'", model)
    if not columns:
        return
    table = model._meta.db_table
    names = ", ".join(columns)
    cursor.execute(
        f"{_known_rows(name)} INSERT INTO {table} ({names})"  # noqa: S608
        f" SELECT {', '.join(f'filled.{column}' for column in columns)}"
        f" FROM known, jsonb_populate_record(NULL::{table}, known.row) AS filled"
        f" WHERE NOT EXISTS (SELECT FROM {table} AS present WHERE present.id = known.id)",
        {"run": run_id, "ids": list(order_ids)},
    )


def _stored_columns(
    cursor: CursorWrapper, run_id: int, order_ids: Sequence[int], rows: str, model: type[models.Model]
) -> list[str]:
    """Return the columns of the stored rows. A column added by an upgrade since then gets its default."""
    cursor.execute(
        f"SELECT DISTINCT jsonb_object_keys(row) FROM {_CHANGES}, jsonb_array_elements({rows}) AS row"  # noqa: S608
        " WHERE run_id = %s AND order_id = ANY(%s)",
        [run_id, list(order_ids)],
    )
    stored = {name for (name,) in cursor.fetchall()}
    return [field.column for field in model._meta.concrete_fields if field.column and field.column in stored]


def _check_references(cursor: CursorWrapper) -> None:
    """Check foreign keys now. An error at the end of the transaction could not be handled."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
