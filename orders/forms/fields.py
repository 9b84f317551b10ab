"""Form fields that accept or mask card numbers. All other text fields refuse them."""

from copy import copy
from typing import Any

from django import forms

from orders.card_numbers import contains_card_number, mask_card_numbers
from orders.models import Order


def mask_unless_order_number(typed: str) -> str:
    """Mask what looks like a card number, unless there are order numbers like it.

    Whether there is an order with exactly this number makes no difference, so that nobody learns it from here.
    """
    looks_like_card = contains_card_number(typed) and not Order.objects.any_numbered_like(typed)
    return mask_card_numbers(typed) if looks_like_card else typed


class MessageField(forms.CharField):
    """A message: card numbers are masked, so that the message is not lost.

    After validation, `masked_text` is the masked text, or None if there was nothing to mask.
    """

    masked_text: str | None = None

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        masked = self.without_card_number(text)
        if masked != text:
            self.masked_text = masked
        return masked

    def without_card_number(self, typed: str) -> str:
        return mask_card_numbers(typed)


class LookupField(forms.CharField):
    """A value that is looked up but not stored. It isn't refused for looking like a card number."""

    def without_card_number(self, typed: str) -> str:
        """Return what was typed as a draft (orders/drafts.py) keeps it."""
        return mask_card_numbers(typed)


class OrderNumberField(MessageField):
    """An order number that is stored as typed."""

    def without_card_number(self, typed: str) -> str:
        return mask_unless_order_number(typed)


class OrderNumberLookupField(LookupField):
    """An order number that is looked up."""

    def without_card_number(self, typed: str) -> str:
        return mask_unless_order_number(typed)


class CardNumberMaskingForm(forms.Form):
    """A form that shows the masked text instead of the typed one if it is shown again."""

    def full_clean(self) -> None:
        super().full_clean()
        for name, field in self.fields.items():
            if isinstance(field, MessageField) and field.masked_text is not None:
                self.set_value(name, field.masked_text)

    def set_value(self, name: str, value: str) -> None:
        """Replace a typed value."""
        data: Any = copy(self.data)  # a copy of a QueryDict can be changed
        data[self.add_prefix(name)] = value
        self.data = data

    def has_masked_card_number(self) -> bool:
        """Whether a card number was masked. The person must be informed (`orders.http.tell_about_card_number`)."""
        fields = self.fields.values()
        return any(isinstance(field, MessageField) and field.masked_text is not None for field in fields)
