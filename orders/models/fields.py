"""Columns that several models share."""

from django.db import models


def money_field(**options: object) -> models.DecimalField:
    """An amount in the order's currency; three decimals, because some currencies have them."""
    return models.DecimalField(max_digits=16, decimal_places=3, **options)  # type: ignore[arg-type]
