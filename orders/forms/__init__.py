"""What buyers type to find and open their orders, and what every form of the portal shares."""

from orders.forms.base import (
    DIGITS_LENGTH,
    EMAIL_LENGTH,
    NO_CARD_NUMBER,
    EmailForm,
    PortalForm,
    error_messages,
    plain_digits,
)
from orders.forms.find import NUMBER_LENGTH, CardForm, CodeForm, LinkForm, NumberForm
from orders.forms.next_page import is_page_of_all_orders, is_page_of_an_order, order_of_page

__all__ = [
    "DIGITS_LENGTH",
    "EMAIL_LENGTH",
    "NO_CARD_NUMBER",
    "NUMBER_LENGTH",
    "CardForm",
    "CodeForm",
    "EmailForm",
    "LinkForm",
    "NumberForm",
    "PortalForm",
    "error_messages",
    "is_page_of_all_orders",
    "is_page_of_an_order",
    "order_of_page",
    "plain_digits",
]
