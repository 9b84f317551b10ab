"""The data of an order as SQL: the digest that detects later changes, and the rows that an undo restores.

The statements take `ids`, an array of order ids. Table and column names come from the models, never from a file.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models

from intake.ingest.columns import LINE_COLUMNS, ORDER_COLUMNS, REFUND_COLUMNS
from licenses.models import LicensedLine
from orders.models import Order, OrderLine, PaymentReference, Refund

# The tables that imports write for an order, parents first, and their names in `ImportChange.before`.
CHILD_TABLES: dict[str, type[models.Model]] = {
    "lines": OrderLine,
    "links": LicensedLine,
    "refunds": Refund,
    "payments": PaymentReference,
}
# Values that depend on staff settings can change at any time. They are derived again and don't count as changes. An
# erasure changes other columns, too, and digests of earlier versions don't include its date.
_DERIVED = {"return_until", "kind", "erased_at"}
_DIGEST_COLUMNS: dict[type[models.Model], tuple[str, ...]] = {
    Order: (*(name for name in ORDER_COLUMNS if name not in _DERIVED), "contact_email", "password_generation"),
    OrderLine: ("id", *(name for name in LINE_COLUMNS if name not in _DERIVED)),
    LicensedLine: ("id", "line_id", "license_id", "origin", "devices", "starts_on", "expires_on"),
    Refund: ("id", *REFUND_COLUMNS),
    PaymentReference: ("id", "reference"),
}


@cache
def digest_query() -> str:
    """Return a query for the id and the digest of each order, with its lines, licenses, refunds and references."""
    parts = [_as_text(Order, "orders_order")]
    joins = []
    for name, model in CHILD_TABLES.items():
        table = model._meta.db_table
        parts.append(f"coalesce({name}.text, '')")
        joins.append(
            f"LEFT JOIN (SELECT order_id, string_agg({_as_text(model, table)}, ',' ORDER BY id) AS text"  # noqa: S608
            f" FROM {table} WHERE order_id = ANY(%(ids)s::bigint[]) GROUP BY order_id) AS {name}"
            f" ON {name}.order_id = orders_order.id"
        )
    return (
        f"SELECT orders_order.id, md5(concat_ws('|', {', '.join(parts)}))::uuid AS digest"  # noqa: S608
        f" FROM orders_order {' '.join(joins)} WHERE orders_order.id = ANY(%(ids)s::bigint[])"
    )


def _as_text(model: type[models.Model], table: str) -> str:
    return f"ROW({', '.join(f'{table}.{name}' for name in sorted(_DIGEST_COLUMNS[model]))})::text"


@cache
def rows_query() -> str:
    """Return a query for the id of each order, and its rows in all tables as JSON."""
    joins = [
        f"LEFT JOIN (SELECT order_id, jsonb_agg(to_jsonb(row)) AS rows FROM {model._meta.db_table} AS row"  # noqa: S608
        f" WHERE order_id = ANY(%(ids)s::bigint[]) GROUP BY order_id) AS {name} ON {name}.order_id = orders_order.id"
        for name, model in CHILD_TABLES.items()
    ]
    parts = "".join(f", '{name}', coalesce({name}.rows, '[]')" for name in CHILD_TABLES)
    return (
        "SELECT orders_order.id, jsonb_build_object('order', to_jsonb(orders_order),"  # noqa: S608
        f" 'relations', coalesce(related.digests, '{{}}'){parts}) AS rows"
        f" FROM orders_order {' '.join(joins)}"
        f" LEFT JOIN ({relations_query()}) AS related ON related.order_id = orders_order.id"
        " WHERE orders_order.id = ANY(%(ids)s::bigint[])"
    )


@cache
def relations_query() -> str:
    """Return a query for the digests of rows that refer to an order: one for each order and model with such rows.

    The models are found by their foreign keys to the tables that imports write. This includes cases, messages and
    downloads, which this app doesn't import, and models added later.
    """
    selects = []
    for owner, relation in _relations():
        table, column = relation.related_model._meta.db_table, relation.field.column
        label = relation.related_model._meta.label_lower
        if owner is Order:
            source = f"{table} AS row WHERE row.{column} = ANY(%(ids)s::bigint[])"
            order_id = f"row.{column}"
        else:
            source = (
                f"{table} AS row JOIN {owner._meta.db_table} AS owner ON owner.id = row.{column}"
                " WHERE owner.order_id = ANY(%(ids)s::bigint[])"
            )
            order_id = "owner.order_id"
        selects.append(f"SELECT {order_id} AS order_id, '{label}' AS label, row::text AS text FROM {source}")  # noqa: S608
    return (
        "SELECT order_id, jsonb_object_agg(label, digest) AS digests FROM"  # noqa: S608
        " (SELECT order_id, label, md5(string_agg(text, ',' ORDER BY text)) AS digest"
        f" FROM ({' UNION ALL '.join(selects)}) AS related GROUP BY order_id, label) AS by_model GROUP BY order_id"
    )


def _relations() -> Iterator[tuple[type[models.Model], Any]]:
    own: list[type[models.Model]] = [Order, *CHILD_TABLES.values()]
    for owner in own:
        for relation in foreign_keys_to(owner):
            if relation.related_model not in own:
                yield owner, relation


def foreign_keys_to(model: type[models.Model]) -> Iterator[Any]:
    """Return the foreign keys of other models to this one, including hidden ones and those of many-to-many tables."""
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and (relation.one_to_many or relation.one_to_one) and not relation.concrete:
            yield relation


def verbose_name(label: str) -> str:
    """Return the name of a model for staff, from its label."""
    return str(apps.get_model(label)._meta.verbose_name)
