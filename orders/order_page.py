"""The content of the order page: for the buyer, and for staff who preview it."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from notifications.addresses import mask_address
from notifications.services import mails_about_order
from orders import formats, panels
from orders.models import Order
from orders.panels import Panel, Task
from orders.statuses import describe_status


def order_page_context(
    order: Order, *, with_panels: bool = True, is_visible: Callable[[Panel], bool] = lambda panel: True
) -> dict[str, Any]:
    """Return the context of `orders/order.html`. The caller checks access.

    `with_panels` is false until a required emailed code was entered. Then panels and emails are omitted. `is_visible`
    selects the panels for staff who may not see all of them.
    """
    context: dict[str, Any] = {
        "order": order,
        "zone": order.locality,
        "status": describe_status(order.status),
        "is_settled": order.status == Order.Status.COMPLETED,  # its badge says everything
        "payment": formats.payment(order),
        "refunds": order.refund_list,
        "address": mask_address(order.email) if order.email else "",
        "is_frozen": order.is_frozen(timezone.now()),
    }
    if with_panels:
        emails = mails_about_order(order.pk, order.email)
        loaded = panels.load_panels([order])[order.pk]
        shown = [(panel, content) for panel, content in loaded if is_visible(panel)]
        context |= {"panels": panels.leading_first(shown), "mails": emails}
        tasks = [*panels.load_tasks(order, shown), *_own_tasks(order)]
        context["tasks"] = sorted(tasks, key=lambda task: task.position)
        if not emails and order.email:
            text = gettext("We haven’t sent an email about this order yet. Emails go to %(address)s.")
            context["no_mails"] = text % {"address": context["address"]}
    return context


def _own_tasks(order: Order) -> list[Task]:
    """Return the actions that every order has."""
    path = reverse("orders:invoice", args=[order.public_id])
    label = gettext("Invoice") if order.invoice_number else gettext("Order statement")
    tasks = [Task(label, path, gettext("PDF"), position=40)]
    if order.email:
        path = reverse("orders:confirmation", args=[order.public_id])
        recipient = gettext("to %(address)s") % {"address": mask_address(order.email)}
        tasks.append(Task(gettext("Send the confirmation again"), path, recipient, is_post=True))
    return tasks
