"""Model fields that several models use."""

from django.db import models


def money_field(**options: object) -> models.DecimalField:
    """Return a field for an amount in the currency of the order. Some currencies have three decimals."""
    return models.DecimalField(max_digits=16, decimal_places=3, **options)  # type: ignore[arg-type]
