"""Describes a row for the export: all of its fields but secrets, ids, and who of the staff did something."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Field, ForeignKey, Model, QuerySet

from desk.privacy.inventory import HOLDINGS

Row = dict[str, Any]

# Technical fields, which say nothing about a person: ids, locks, counters of the portal itself.
INTERNAL = frozenset(
    {
        "submission_id",
        "public_id",
        "idempotency_key",
        "message_id",
        "leased_until",
        "object_id",
        "order_id",
        "priority",
        "sources",
        "is_matching_due",
        "access_generation",
        "password_generation",
        "serial_key",
        "number_key",
        "email_key",
        "shared_key",
        "not_found_at_try",
    }
)
_SECRET = {holding.model: frozenset(holding.secret) for holding in HOLDINGS}


def exported_fields(model: type[Model]) -> list[Field]:
    hidden = INTERNAL | _SECRET.get(model._meta.label, frozenset())
    return [field for field in model._meta.concrete_fields if field.name not in hidden and not _is_internal(field)]


def _is_internal(field: Field) -> bool:
    if isinstance(field, ForeignKey):
        return field.related_model is User or field.name in ("root", "message", "refund")
    return bool(field.primary_key)


def with_related(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Load what `describe` shows of other rows in the same query."""
    names = [field.name for field in exported_fields(rows.model) if isinstance(field, ForeignKey)]
    return rows.select_related(*names) if names else rows


def describe(row: Model, **overrides: Any) -> Row:
    """Return the values of a row by field, without empty ones. `overrides` replace values; None removes one."""
    values = {field.name: _value(row, field) for field in exported_fields(type(row))}
    return {name: value for name, value in (values | overrides).items() if value not in (None, "", [], {})}


def _value(row: Model, field: Field) -> Any:
    if isinstance(field, ForeignKey):
        related = getattr(row, field.name)
        return None if related is None else str(related)
    value = getattr(row, field.attname)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    return None if isinstance(value, bytes | memoryview) else value


def label_of(model: type[Model], name: str) -> str:
    """Return the name of a field for people."""
    names = {field.name: str(field.verbose_name) for field in model._meta.concrete_fields}
    return names.get(name, name.replace("_", " "))
