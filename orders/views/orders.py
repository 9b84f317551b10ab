"""The pages of an order, the list of orders, and signing out."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from notifications.addresses import mask_address
from notifications.services import mails_about_order
from orders import access, formats, panels, statuses
from orders import invoice as invoices
from orders.access import with_found_order, with_order
from orders.forms import CodeForm
from orders.http import get_or_post, private
from orders.invoice import Invoice
from orders.models import Order
from orders.services.confirmations import Again, send_confirmation_again


@require_safe
@private
def order_list(request: HttpRequest) -> HttpResponse:
    orders = list(access.granted_orders(request).select_related("store").prefetch_related("lines"))
    if not orders:
        return redirect("orders:find")
    shown = [(order, order.store.tzinfo, statuses.words(order.status), list(order.lines.all())) for order in orders]
    return render(request, "orders/list.html", {"orders": shown})


@require_safe
@private
@with_found_order
def order_page(request: HttpRequest, order: Order) -> HttpResponse:
    """The order. While an emailed code is awaited, without what the code opens."""
    awaited = access.code_address(request, order)
    content: dict[str, Any] = {
        "order": order,
        "zone": order.store.tzinfo,
        "status": statuses.words(order.status),
        "payment": formats.payment(order),
        "refunds": order.refund_list,
        "address": mask_address(order.email) if order.email else "",
        "frozen_until": order.returns_frozen_until if order.is_frozen(timezone.now()) else None,
    }
    if awaited:
        content |= {"code_form": CodeForm(order.public_id), "code_address": mask_address(awaited)}
    else:
        mails = mails_about_order(order.pk)
        content |= {"panels": panels.load([order])[order.pk], "mails": mails}
        if not mails and order.email:
            words = gettext("No email about this order was sent from here yet. Emails go to %(address)s.")
            content["no_mails"] = words % {"address": content["address"]}
    return render(request, "orders/order.html", content)


@require_safe
@private
@with_order
def invoice(request: HttpRequest, order: Order) -> HttpResponse:
    return render(request, "orders/invoice.html", {"order": order, "invoice": _invoice_of(order)})


@require_safe
@private
@with_order
def invoice_as_pdf(request: HttpRequest, order: Order) -> HttpResponse:
    """The same invoice as a file to keep, named by its number."""
    built = _invoice_of(order)
    render_pdf = import_string(settings.INVOICE_PDF_RENDERER)
    response = HttpResponse(render_pdf(built, order.billing_country), content_type="application/pdf")
    name = "".join(character for character in built.number if character.isalnum() or character in "-_") or "invoice"
    response["Content-Disposition"] = content_disposition_header(as_attachment=False, filename=f"{name}.pdf") or ""
    return response


def _invoice_of(order: Order) -> Invoice:
    return invoices.build(order, order.items, order.refund_list)


@get_or_post
@private
@with_order
def confirmation(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST":
        _tell_about_confirmation(request, order, send_confirmation_again(order))
    return redirect("orders:order", order.public_id)


def _tell_about_confirmation(request: HttpRequest, order: Order, result: Again) -> None:
    if result == Again.QUEUED:
        words = gettext("We are sending the order confirmation to %(address)s. It should be there in a minute or two.")
        messages.success(request, words % {"address": mask_address(order.email)})
    elif result == Again.NO_ADDRESS:
        messages.error(
            request, gettext("This order has no email address, so nothing can be sent. Please contact support.")
        )
    else:
        messages.warning(
            request,
            gettext(
                "The confirmation was sent several times within the last hour. "
                "Please look into your spam folder, or try again in an hour."
            ),
        )


@get_or_post
@private
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        access.end_access(request)
        messages.success(request, gettext("You have left. Your orders are closed in this browser."))
    return redirect("orders:find")
