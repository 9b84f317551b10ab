"""The page on which the emailed code is entered that confirms a lookup by card."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from notifications.addresses import mask_address
from orders import access
from orders.access import Outcome, with_unconfirmed_order
from orders.forms import CodeForm
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import Order
from orders.views.find import INVALID_FORM, NOT_FOUND, TOO_MANY

TEMPLATE = "orders/code.html"


@get_or_post
@no_store
@with_unconfirmed_order
def code(request: HttpRequest, order: Order) -> HttpResponse:
    address = access.pending_code_address(request, order)
    if not address:
        return redirect("orders:order", order.public_id)
    form = CodeForm(order.public_id, request.POST if request.method == "POST" else None)
    context = {"order": order, "form": form, "result": "", "address": mask_address(address)}
    if not form.is_bound:
        return render(request, TEMPLATE, context)
    if not form.is_valid():
        return render(request, TEMPLATE, context | {"result": INVALID_FORM}, status=UNPROCESSABLE)
    outcome = access.enter_code(request, order, form.cleaned_data["code"]).outcome
    if outcome == Outcome.FOUND:
        return redirect("orders:order", order.public_id)
    if outcome == Outcome.CLIENT_BLOCKED:
        return too_many_requests(request, TEMPLATE, context | {"result": TOO_MANY})
    return render(request, TEMPLATE, context | {"result": NOT_FOUND}, status=UNPROCESSABLE)


@get_or_post
@no_store
@with_unconfirmed_order
def code_again(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST" and access.pending_code_address(request, order):
        if access.resend_code(request, order):
            messages.success(request, gettext("A new code is on its way. The earlier ones are no longer valid."))
        else:
            messages.warning(
                request, gettext("Several codes were sent already. Please use the latest, or try again in 15 minutes.")
            )
    return redirect("orders:code", order.public_id)
