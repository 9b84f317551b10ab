"""The recipient of emails about an order, determined when they are sent (see `EmailKind.recipient`).

Their messages refer to the order in `order_id`. Emails about an address, such as the notice that the order has a new
one, have no such recipient: they go to the address that they were queued for.
"""

from notifications.models import Message
from orders.models import Order


def order_recipient(message: Message) -> str | None:
    """Return the address of the order that a message is about; None if the order or its address no longer exists."""
    order = Order.objects.only("store_email", "contact_email").filter(pk=message.order_id or 0).first()
    return (order.email or None) if order is not None else None
