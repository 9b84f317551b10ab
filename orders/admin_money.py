"""Amounts in the admin. An amount is always shown with its currency."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.db.models import DecimalField, Model
from django.http import HttpRequest
from unfold.decorators import display

from orders.money import format_money, round_to_currency

EMPTY = "–"


def money_column(field: str, description: Any, *, currency: str = "currency") -> Callable[[Any, Any], str]:
    """Return an admin method that shows an amount with its currency, for lists, inlines and detail pages.

    `currency` is the attribute of the row with the currency. Dots follow relations: "order.currency".
    """

    @display(description=description, ordering=field)
    def column(self: Any, row: Any) -> str:
        amount = getattr(row, field)
        return EMPTY if amount is None else format_money(amount, attrgetter(currency)(row))

    column.money = (field, currency)  # for exports, which have two columns for it
    return column


class MoneyModelForm(forms.ModelForm):
    """Shows amounts in inputs with the decimals of their currency: 41.71 for EUR, not 41.710."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        currency = getattr(self.instance, "currency", "")
        for name, amount in list(self.initial.items()):
            if amount is None or not currency or not isinstance(self._meta.model._meta.get_field(name), DecimalField):
                continue
            rounded = round_to_currency(amount, currency)
            if rounded == amount:
                self.initial[name] = rounded


class EditableMoneyMixin:
    """For admins and inlines with editable amounts, next to an input for their currency.

    Users who can only view see `read_only_fields` instead, with money columns in place of the amounts.
    """

    form = MoneyModelForm
    read_only_fields: ClassVar[Sequence[str]]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:
        if self._is_read_only(request, obj):
            return self.read_only_fields
        fields: Sequence[Any] = super().get_fields(request, obj)  # type: ignore[misc]
        return fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:
        fields: Sequence[Any] = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        return [*fields, *self.read_only_fields] if self._is_read_only(request, obj) else fields

    def _is_read_only(self, request: HttpRequest, obj: Model | None) -> bool:
        return obj is not None and not self.has_change_permission(request, obj)  # type: ignore[attr-defined]
