"""Requesting a product swap, and the status page of a swap."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import default_due_at
from cases.refusals import Refusal
from cases.views import StatusPages
from orders import formats
from orders.access import with_order
from orders.http import UNPROCESSABLE, get_or_post, no_store, tell_about_card_number
from orders.models import Order
from refunds.amounts import ZERO
from refunds.eligibility import Eligibility
from refunds.forms.swaps import SwapForm
from refunds.models import Swap
from refunds.price_differences import format_price_difference
from refunds.services import swaps


@get_or_post
@no_store
@with_order
def request_swap(request: HttpRequest, order: Order) -> HttpResponse:
    """Show the form, then a page to check it with the price difference, then create the swap."""
    now = timezone.now()
    eligibility, offers = swaps.check_swap_eligibility(order, now), swaps.available_offers(order)
    if request.method != "POST":
        return _form_page(request, SwapForm(eligibility, offers, now), now)
    form = SwapForm(eligibility, offers, now, request.POST)
    confirmed = request.POST.get("confirm") == "1"
    # After a first click the item cannot be swapped again, so look for that swap before validating the form.
    if confirmed and (earlier := swaps.find_submitted(order, form.order_submission_id)):
        return redirect(earlier.path)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if is_valid and confirmed:
        try:
            return redirect(swaps.request_swap(order, form.swap_request(), form.order_submission_id).path)
        except Refusal as refusal:
            form.add_refusal(refusal)
    if form.errors or request.POST.get("change") == "1":
        return _form_page(request, form, now)
    return _check_page(request, form, eligibility)


def _form_page(request: HttpRequest, form: SwapForm, now: datetime) -> HttpResponse:
    eligibility = form.eligibility
    order = eligibility.order
    latest = max(eligibility.lines, key=lambda each: each.deadline, default=None)
    context = {
        "eligibility": eligibility,
        "form": None if eligibility.refusal else form,
        "items": form.items(),
        "last_moment": latest.last_moment if latest else order.placed_at,
        "is_period_over": latest is not None and now >= latest.deadline,
        "open_swaps": list(order.swaps.open()),
    }
    has_errors = form.is_bound and bool(form.errors) and not eligibility.refusal
    status = UNPROCESSABLE if has_errors else 200
    return render(request, "refunds/swap_form.html", _order_context(order) | context, status=status)


def _check_page(request: HttpRequest, form: SwapForm, eligibility: Eligibility) -> HttpResponse:
    order, difference = eligibility.order, form.price_difference()
    context = {
        "form": form,
        "checked_line": form.checked_line,
        "swap_request": form.swap_request(),
        "paid": form.checked_line.refund_amount(1).amount if form.checked_line else ZERO,
        "difference": difference,
        "difference_text": format_price_difference(difference, order.currency),
        "due_at": default_due_at(),
    }
    return render(request, "refunds/swap_check.html", _order_context(order) | context)


def _order_context(order: Order) -> dict[str, Any]:
    return {"order": order, "zone": order.locality, "payment": formats.payment_line(order)}


# --- Status page -----------------------------------------------------------------------------------------


def _status_context(case: Swap) -> dict[str, Any]:
    return {"difference_text": format_price_difference(case.price_difference, case.currency)}


status_pages = StatusPages(
    Swap,
    "refunds",
    "swap",
    "refunds/swap.html",
    _status_context,
    canceled_message=_("The swap is canceled. You keep what you bought."),
)
