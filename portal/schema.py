"""Whether the tables are what the models say.

An upgrade over an edited migration finds nothing to apply, and its pages answer 500: the names of migrations alone
say nothing about the tables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection, models

# How PostgreSQL calls in its catalog what Django writes in CREATE TABLE.
_CATALOG_NAMES = {"varchar": "character varying", "bool": "boolean", "time": "time without time zone"}
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
_NAMES = """
SELECT conname FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
UNION SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()
"""


@dataclass(frozen=True)
class _Column:
    type: str
    not_null: bool
    is_filled: bool  # by a default, where an INSERT does not name it


@dataclass
class _Tables:
    columns: dict[str, dict[str, _Column]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of constraints and indexes


def differences() -> list[str]:
    """What of the tables is not as the models say, a sentence each. Two queries. Raises DatabaseError."""
    tables = _read()
    return [
        sentence
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for sentence in _differences_of(model, tables)
    ]


def _read() -> _Tables:
    tables = _Tables()
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for table, name, of_type, not_null, is_filled in cursor.fetchall():
            tables.columns.setdefault(table, {})[name] = _Column(of_type, not_null, is_filled)
        cursor.execute(_NAMES)
        tables.names = {name for (name,) in cursor.fetchall()}
    return tables


def _differences_of(model: type[models.Model], tables: _Tables) -> Iterator[str]:
    table = model._meta.db_table
    if table not in tables.columns:
        yield f"The table {table} is missing."
        return
    columns = dict(tables.columns[table])
    for each in model._meta.local_concrete_fields:
        column = columns.pop(each.column or "", None)
        wanted = _type_of(each)
        if column is None:
            yield f"The column {table}.{each.column} is missing."
        elif wanted and column.type != wanted:
            yield f"The column {table}.{each.column} is {column.type}, and the model says {wanted}."
        elif column.not_null == each.null and not isinstance(each, models.GeneratedField):
            may = "cannot" if column.not_null else "can"
            yield f"The column {table}.{each.column} {may} be empty, unlike the model."
    for name, column in columns.items():
        if column.not_null and not column.is_filled:
            yield f"The column {table}.{name} has to be filled, and no model knows it."
    for named in (*model._meta.constraints, *model._meta.indexes):
        if named.name not in tables.names:
            yield f"{named.name} of the table {table} is missing."


def _type_of(column: models.Field) -> str:
    """As the catalog calls it; empty for ids, whose width Django's own migrations and settings say differently."""
    if isinstance(column, models.AutoField):
        return ""
    written = column.db_type(connection) or ""
    base = re.split(r"[(\[]", written, maxsplit=1)[0]
    return _CATALOG_NAMES.get(base, base) + written[len(base) :].replace(", ", ",")
