"""The forms to find and open orders, and the base classes of all forms of the portal."""

from orders.forms.base import (
    CARD_NUMBER_ERROR,
    DIGITS_LENGTH,
    EMAIL_LENGTH,
    EmailForm,
    PortalForm,
    error_messages,
    normalize_digits,
)
from orders.forms.fields import CardNumberMaskingForm, LookupField, MessageField, OrderNumberField
from orders.forms.find import NUMBER_LENGTH, CardForm, CodeForm, LinkForm, NumberForm
from orders.forms.next_page import get_order_of_page, is_all_orders_page, is_order_page

__all__ = [
    "CARD_NUMBER_ERROR",
    "DIGITS_LENGTH",
    "EMAIL_LENGTH",
    "NUMBER_LENGTH",
    "CardForm",
    "CardNumberMaskingForm",
    "CodeForm",
    "EmailForm",
    "LinkForm",
    "LookupField",
    "MessageField",
    "NumberForm",
    "OrderNumberField",
    "PortalForm",
    "error_messages",
    "get_order_of_page",
    "is_all_orders_page",
    "is_order_page",
    "normalize_digits",
]
