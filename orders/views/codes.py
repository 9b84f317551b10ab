"""The page that takes the emailed code on top of a lookup by card."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from notifications.addresses import mask_address
from orders import access
from orders.access import Outcome, with_found_order
from orders.forms import CodeForm
from orders.http import INVALID, get_or_post, private, too_many_requests
from orders.models import Order
from orders.views.find import INVALID_FORM, NOT_FOUND, TOO_MANY

TEMPLATE = "orders/code.html"


@get_or_post
@private
@with_found_order
def code(request: HttpRequest, order: Order) -> HttpResponse:
    address = access.code_address(request, order)
    if not address:
        return redirect("orders:order", order.public_id)
    form = CodeForm(order.public_id, request.POST if request.method == "POST" else None)
    content = {"order": order, "form": form, "result": "", "address": mask_address(address)}
    if not form.is_bound:
        return render(request, TEMPLATE, content)
    if not form.is_valid():
        return render(request, TEMPLATE, content | {"result": INVALID_FORM}, status=INVALID)
    outcome = access.enter_code(request, order, form.cleaned_data["code"]).outcome
    if outcome == Outcome.FOUND:
        return redirect("orders:order", order.public_id)
    if outcome == Outcome.CLIENT_BLOCKED:
        return too_many_requests(request, TEMPLATE, content | {"result": TOO_MANY})
    return render(request, TEMPLATE, content | {"result": NOT_FOUND}, status=INVALID)


@get_or_post
@private
@with_found_order
def code_again(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST" and access.code_address(request, order):
        if access.send_code_again(request, order):
            messages.success(request, gettext("A new code is on its way. The earlier ones are no longer valid."))
        else:
            messages.warning(
                request, gettext("Several codes were sent already. Please use the latest, or try again in 15 minutes.")
            )
    return redirect("orders:code", order.public_id)
