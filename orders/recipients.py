"""The address that emails about an order go to, asked for when they are sent (see `EmailKind.recipient`).

Their messages name the order in `order_id`. An email that is about an address, such as the notice that the order has
another one now, has no such recipient: it stays with the address that it was queued for.
"""

from notifications.models import Message
from orders.models import Order


def order_recipient(message: Message) -> str | None:
    """Return the address of the order that a message is about; None if there is no order or no address any more."""
    order = Order.objects.only("store_email", "contact_email").filter(pk=message.order_id or 0).first()
    return (order.email or None) if order is not None else None
