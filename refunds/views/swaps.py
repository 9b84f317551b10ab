"""Requesting a product swap, and the status page of a swap."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cases.models import default_due_at
from cases.refusals import Refusal
from cases.views import StatusPages, finish, order_context
from orders.access import with_order
from orders.drafts import Draft, SeeOther
from orders.http import UNPROCESSABLE, get_or_post, no_store, tell_about_card_number
from orders.models import Order
from refunds.amounts import ZERO
from refunds.forms.swaps import SwapForm
from refunds.models import Swap
from refunds.price_differences import format_price_difference
from refunds.services import swaps


@get_or_post
@no_store
@with_order
def request_swap(request: HttpRequest, order: Order) -> HttpResponse:
    """Show the form, keep the input for the check page, and create the swap when that page confirms it."""
    now, draft = timezone.now(), _draft(request, order)
    if request.method != "POST" and not draft.id:
        return draft.start()
    make_form = partial(_make_form, order, now)
    if request.method != "POST":
        return _form_page(request, draft, draft.typed_form(make_form) or make_form(), now)
    form = make_form(request.POST)
    is_confirmed = request.POST.get("confirm") == "1"
    # After a first click the item cannot be swapped again, so look for that swap before validating the form.
    if is_confirmed and (earlier := swaps.find_submitted(order, form.order_submission_id)):
        return finish(request, draft, earlier)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if is_valid and is_confirmed:
        try:
            return finish(request, draft, swaps.request_swap(order, form.swap_request(), form.order_submission_id))
        except Refusal as refusal:
            form.add_refusal(refusal)
            messages.error(request, str(refusal))
    draft.save(form)
    page = "refunds:swap" if form.errors else "refunds:check_swap"
    return SeeOther(draft.url(reverse(page, args=[order.public_id])))


@require_safe
@no_store
@with_order
def check_swap(request: HttpRequest, order: Order) -> HttpResponse:
    """Show what would be sent, with the price difference."""
    draft = _draft(request, order)
    form = draft.checked_form(partial(_make_form, order, timezone.now()))
    if form is None or form.errors:
        return redirect(draft.url(reverse("refunds:swap", args=[order.public_id])))
    return _check_page(request, draft, form)


def _draft(request: HttpRequest, order: Order) -> Draft:
    return Draft(request, SwapForm.form_name, order.public_id)


def _make_form(order: Order, now: datetime, data: Any = None) -> SwapForm:
    return SwapForm(swaps.check_swap_eligibility(order, now), swaps.available_offers(order), now, data)


def _form_page(request: HttpRequest, draft: Draft, form: SwapForm, now: datetime) -> HttpResponse:
    eligibility = form.eligibility
    order, latest = eligibility.order, eligibility.latest
    context = {
        "eligibility": eligibility,
        "form": None if eligibility.refusal else form,
        "language_forms": [] if eligibility.refusal else [draft.shown(form)],
        "items": form.items(),
        "last_moment": latest.last_moment if latest else order.placed_at,
        "is_period_over": latest is not None and now >= latest.deadline,
        "open_swaps": list(order.swaps.open()),
    }
    has_errors = form.is_bound and bool(form.errors) and not eligibility.refusal
    status = UNPROCESSABLE if has_errors else 200
    return render(request, "refunds/swap_form.html", order_context(order) | context, status=status)


def _check_page(request: HttpRequest, draft: Draft, form: SwapForm) -> HttpResponse:
    order, difference = form.eligibility.order, form.price_difference()
    context = {
        "form": form,
        "form_url": draft.url(reverse("refunds:swap", args=[order.public_id])),
        "checked_line": form.checked_line,
        "swap_request": form.swap_request(),
        "paid": form.checked_line.refund_amount(1).amount if form.checked_line else ZERO,
        "difference": difference,
        "difference_text": format_price_difference(difference, order.currency),
        "due_at": default_due_at(),
    }
    return render(request, "refunds/swap_check.html", order_context(order) | context)


# --- Status page -----------------------------------------------------------------------------------------


def _status_context(case: Swap) -> dict[str, Any]:
    return {"difference_text": format_price_difference(case.price_difference, case.currency)}


status_pages = StatusPages(
    Swap,
    "refunds",
    "swap",
    "refunds/swap.html",
    _status_context,
    canceled_message=_("We’ve canceled your swap. You keep what you bought."),
)
