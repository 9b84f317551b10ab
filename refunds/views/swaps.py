"""Asking for another product instead, following it, answering, canceling."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import due
from cases.refusals import Refusal
from cases.views import StatusPages
from orders import formats
from orders.access import with_order
from orders.http import UNPROCESSABLE, get_or_post, no_store
from orders.models import Order
from refunds.amounts import ZERO
from refunds.differences import price_difference
from refunds.eligibility import Eligibility
from refunds.forms.swaps import SwapForm
from refunds.models import Swap
from refunds.services import swaps


@get_or_post
@no_store
@with_order
def request_swap(request: HttpRequest, order: Order) -> HttpResponse:
    """Choose an item and what is wanted instead; look at the difference in price; send."""
    now = timezone.now()
    eligibility, offers = swaps.judge_swaps(order, now), swaps.offers_for(order)
    if request.method != "POST":
        return _form_page(request, SwapForm(eligibility, offers, now), now)
    form = SwapForm(eligibility, offers, now, request.POST)
    confirmed = request.POST.get("confirm") == "1"
    # A second click comes when the item is under way already, so it is asked for before the form is judged.
    if confirmed and (earlier := swaps.sent_before(order, form.submission_id_of_order)):
        return redirect(earlier.path)
    if form.is_valid() and confirmed:
        try:
            return redirect(swaps.request_swap(order, form.wish(), form.submission_id_of_order).path)
        except Refusal as refusal:
            form.add_refusal(refusal)
    if form.errors or request.POST.get("change") == "1":
        return _form_page(request, form, now)
    return _check_page(request, form, eligibility)


def _form_page(request: HttpRequest, form: SwapForm, now: datetime) -> HttpResponse:
    eligibility = form.eligibility
    order = eligibility.order
    latest = max(eligibility.lines, key=lambda each: each.until, default=None)
    content = {
        "eligibility": eligibility,
        "form": None if eligibility.refusal else form,
        "items": form.items(),
        "last_moment": latest.last_moment if latest else order.placed_at,
        "is_over": latest is not None and now >= latest.until,
        "open_swaps": list(order.swaps.open()),
    }
    refused = form.is_bound and bool(form.errors) and not eligibility.refusal
    return render(request, "refunds/swap_form.html", _about(order) | content, status=UNPROCESSABLE if refused else 200)


def _check_page(request: HttpRequest, form: SwapForm, eligibility: Eligibility) -> HttpResponse:
    order, difference = eligibility.order, form.difference()
    content = {
        "form": form,
        "judged": form.judged,
        "wish": form.wish(),
        "paid": form.judged.share(1, order.currency).amount if form.judged else ZERO,
        "difference": difference,
        "difference_in_words": price_difference(difference, order.currency),
        "due_at": due(),
    }
    return render(request, "refunds/swap_check.html", _about(order) | content)


def _about(order: Order) -> dict[str, Any]:
    return {"order": order, "zone": order.store.tzinfo, "payment": formats.payment_line(order)}


# --- What became of it -----------------------------------------------------------------------------------


def _status(case: Swap) -> dict[str, Any]:
    return {"difference_in_words": price_difference(case.price_difference, case.currency)}


status_pages = StatusPages(
    Swap,
    "refunds",
    "swap",
    "refunds/swap.html",
    _status,
    canceled=_("The swap is canceled. You keep what you bought."),
)
