"""Finds what a filled database lacks: tables without rows, and choices that no row has."""

from collections.abc import Iterator

from django.apps import apps
from django.db import models

# For these fields, one value is enough: they describe an object or a user, not a state.
DESCRIPTIONS = {"actor", "confirm_card_lookup", "media_type", "method", "platform"}

# A row says that nothing may be sent, which isn't the state of a portal that is upgraded.
EMPTY = {"notifications.OutgoingHold"}


def find_gaps() -> list[str]:
    """Return `app.Model` for each table of ours without rows, and `app.Model.field=value` for each missing value."""
    return [gap for model in _own_models() for gap in _gaps(model)]


def _own_models() -> Iterator[type[models.Model]]:
    for model in apps.get_models():
        is_ours = not model.__module__.startswith(("django.", "django_otp.", "axes."))
        if is_ours and model._meta.managed and not model._meta.proxy:
            yield model


def _gaps(model: type[models.Model]) -> Iterator[str]:
    if model._meta.label in EMPTY:
        return
    rows = model._default_manager.order_by()
    if not rows.exists():
        yield model._meta.label
        return
    for field in model._meta.concrete_fields:
        if field.choices and field.name not in DESCRIPTIONS:
            found = set(rows.values_list(field.name, flat=True).distinct())
            yield from (
                f"{model._meta.label}.{field.name}={value}" for value, _label in field.flatchoices if value not in found
            )
