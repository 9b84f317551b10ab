"""Model fields that several models use."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.card_numbers import mask_all_strings


def money_field(**options: object) -> models.DecimalField:
    """Return a field for an amount in the currency of the order. Some currencies have three decimals."""
    return models.DecimalField(max_digits=16, decimal_places=3, **options)  # type: ignore[arg-type]


def refuse_card_number(value: Any) -> None:
    """A validator of model fields: raises ValidationError if any string in the value contains a full card number."""
    if mask_all_strings(value) != value:
        raise ValidationError(
            _("Remove the full card number. For your security, we don’t store card numbers."), code="card_number"
        )


class _NoCardNumbers(models.Field):
    """A field that never stores a full card number.

    Forms of the model, including those of the admin, refuse one. Code that writes to the database without a form, with
    `save()`, `bulk_create()`, `bulk_update()` or `update()`, stores it masked.
    """

    default_validators = [refuse_card_number]

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        masked = self._mask(value)
        if masked != value:
            setattr(model_instance, self.attname, masked)
        return masked

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return super().get_db_prep_save(self._mask(value), connection)  # of `update()`, without an instance

    def _mask(self, value: Any) -> Any:
        return mask_all_strings(value)

    def deconstruct(self) -> Any:
        """Use Django's own field in migrations, because the column is the same."""
        name, _path, args, options = super().deconstruct()
        return name, self._django_path, args, options

    _django_path: str


class NoCardNumbersCharField(_NoCardNumbers, models.CharField):
    _django_path = "django.db.models.CharField"

    def _mask(self, value: Any) -> Any:
        # Characters that stand for two digits are the only ones shorter than their replacement.
        masked = super()._mask(value)
        return masked[: self.max_length] if masked != value else value


class NoCardNumbersSlugField(_NoCardNumbers, models.SlugField):
    default_validators = [*models.SlugField.default_validators, refuse_card_number]
    _django_path = "django.db.models.SlugField"


class NoCardNumbersTextField(_NoCardNumbers, models.TextField):
    _django_path = "django.db.models.TextField"


class NoCardNumbersJSONField(_NoCardNumbers, models.JSONField):
    _django_path = "django.db.models.JSONField"
