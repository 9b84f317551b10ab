"""The order page, its invoice, the list of orders, and signing out."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from notifications.addresses import mask_address
from orders import access
from orders.access import with_order, with_unconfirmed_order
from orders.drafts import Draft
from orders.forms import CodeForm
from orders.http import get_or_post, no_store
from orders.invoice import Invoice, build_invoice
from orders.models import Order
from orders.order_page import order_page_context
from orders.services.confirmations import ResendResult, buyer_language, resend_confirmation
from orders.statuses import StatusDescription, describe_status

LISTED_ITEMS = 2
MIN_ORDERS_TO_FILTER = 10
MAX_FILTER_LENGTH = 100


@require_safe
@no_store
def order_list(request: HttpRequest) -> HttpResponse:
    orders = list(access.granted_orders(request).select_related("store").prefetch_related("lines"))
    if not orders:
        return redirect("orders:find")
    typed = request.GET.get("q", "").strip()[:MAX_FILTER_LENGTH]
    rows = [OrderRow(order) for order in orders if _matches(order, typed)]
    context = {"rows": rows, "typed": typed, "has_filter": len(orders) > MIN_ORDERS_TO_FILTER}
    return render(request, "orders/list.html", context)


@dataclass(frozen=True)
class OrderRow:
    """An order in the list."""

    order: Order

    @property
    def status(self) -> StatusDescription:
        return describe_status(self.order.status)

    @property
    def items(self) -> str:
        """The names of the first items."""
        names = [line.name for line in self.order.lines.all()]
        more = [gettext("%(count)d more") % {"count": len(names) - LISTED_ITEMS}] if len(names) > LISTED_ITEMS else []
        return ", ".join(names[:LISTED_ITEMS] + more)


def _matches(order: Order, typed: str) -> bool:
    """Whether the order's number or an item's name contains all typed words."""
    text = " ".join([order.number, *(line.name for line in order.lines.all())]).casefold()
    return all(word in text for word in typed.casefold().split())


@require_safe
@no_store
@with_unconfirmed_order
def order_page(request: HttpRequest, order: Order) -> HttpResponse:
    """Show the order. Until a required emailed code was entered, without panels and emails."""
    needs_code = access.needs_code(request, order)
    context = order_page_context(order, with_panels=not needs_code)
    if needs_code:
        form = CodeForm(order.public_id)
        context |= {"code_form": form, "language_forms": [Draft(request, form.form_name, order.public_id).shown(form)]}
    return render(request, "orders/order.html", context)


@require_safe
@no_store
@with_order
def invoice(request: HttpRequest, order: Order) -> HttpResponse:
    return render(request, "orders/invoice.html", {"order": order, "invoice": _build_invoice(order)})


@require_safe
@no_store
@with_order
def invoice_as_pdf(request: HttpRequest, order: Order) -> HttpResponse:
    """The invoice as a PDF file, named after its number."""
    document = _build_invoice(order)
    render_pdf = import_string(settings.INVOICE_PDF_RENDERER)
    response = HttpResponse(render_pdf(document, order.billing_country), content_type="application/pdf")
    name = "".join(character for character in document.number if character.isalnum() or character in "-_") or "invoice"
    response["Content-Disposition"] = content_disposition_header(as_attachment=False, filename=f"{name}.pdf") or ""
    return response


def _build_invoice(order: Order) -> Invoice:
    return build_invoice(order, order.items, order.refund_list)


@get_or_post
@no_store
@with_order
def confirmation(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST":
        _add_resend_message(request, order, resend_confirmation(order, buyer_language(order)))
    return redirect("orders:order", order.public_id)


def _add_resend_message(request: HttpRequest, order: Order, result: ResendResult) -> None:
    if result == ResendResult.QUEUED:
        text = gettext("We’ve sent the order confirmation to %(address)s. It should arrive within a minute or two.")
        messages.success(request, text % {"address": mask_address(order.email)})
    elif result == ResendResult.NO_ADDRESS:
        messages.error(request, gettext("This order has no email address, so we can’t send it. Contact support."))
    else:
        messages.warning(
            request,
            gettext(
                "We’ve sent the confirmation several times in the last hour. "
                "Check your spam folder, or try again in an hour."
            ),
        )


@get_or_post
@no_store
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        access.end_access(request)
        messages.success(request, gettext("You’re signed out. Your orders are closed in this browser."))
    return redirect("orders:find")
