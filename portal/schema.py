"""Compare the database tables with the models.

If a migration was edited after it had been applied, Django finds nothing to apply although the tables are outdated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection, models

# Type names in PostgreSQL's catalog that differ from Django's in CREATE TABLE.
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
    has_default: bool  # or is an identity column


@dataclass
class _Tables:
    columns: dict[str, dict[str, _Column]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of constraints and indexes


def find_differences() -> list[str]:
    """Return a sentence for each difference between tables and models. Makes two queries. Raises DatabaseError."""
    tables = _read_catalog()
    return [
        sentence
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for sentence in _model_differences(model, tables)
    ]


def _read_catalog() -> _Tables:
    tables = _Tables()
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for table, name, type_name, not_null, has_default in cursor.fetchall():
            tables.columns.setdefault(table, {})[name] = _Column(type_name, not_null, has_default)
        cursor.execute(_NAMES)
        tables.names = {name for (name,) in cursor.fetchall()}
    return tables


def _model_differences(model: type[models.Model], tables: _Tables) -> Iterator[str]:
    table = model._meta.db_table
    if table not in tables.columns:
        yield f"The table {table} is missing."
        return
    columns = dict(tables.columns[table])
    for model_field in model._meta.local_concrete_fields:
        column = columns.pop(model_field.column or "", None)
        expected = _catalog_type(model_field)
        if column is None:
            yield f"The column {table}.{model_field.column} is missing."
        elif expected and column.type != expected:
            yield f"The column {table}.{model_field.column} is {column.type}, but the model has {expected}."
        elif column.not_null == model_field.null and not isinstance(model_field, models.GeneratedField):
            verb = "can't" if column.not_null else "can"
            yield f"The column {table}.{model_field.column} {verb} be empty, unlike the model."
    for name, column in columns.items():
        if column.not_null and not column.has_default:
            yield f"The column {table}.{name} is required, but no model has it."
    for named in (*model._meta.constraints, *model._meta.indexes):
        if named.name not in tables.names:
            yield f"{named.name} of the table {table} is missing."


def _catalog_type(model_field: models.Field) -> str:
    """The type as named in the catalog; empty for ids, whose width depends on each app's DEFAULT_AUTO_FIELD."""
    if isinstance(model_field, models.AutoField):
        return ""
    db_type = model_field.db_type(connection) or ""
    base = re.split(r"[(\[]", db_type, maxsplit=1)[0]
    return _CATALOG_NAMES.get(base, base) + db_type[len(base) :].replace(", ", ",")
