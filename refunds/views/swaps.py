"""Asking for another product instead, following it, answering, cancelling."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from orders import formats
from orders.access import with_order
from orders.http import INVALID, get_or_post, private
from orders.models import Order
from refunds import progress
from refunds.amounts import ZERO
from refunds.differences import price_difference
from refunds.eligibility import Eligibility
from refunds.forms.returns import AnswerForm
from refunds.forms.swaps import SwapForm
from refunds.models import Swap
from refunds.models.cases import due
from refunds.refusals import Refusal
from refunds.services import swaps
from refunds.views.guards import with_case

STATUS_PAGE = "refunds:swap_status"


@get_or_post
@private
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
    return render(request, "refunds/swap_form.html", _about(order) | content, status=INVALID if refused else 200)


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


@get_or_post
@private
@with_case(Swap, STATUS_PAGE)
def follow(request: HttpRequest, case: Swap) -> HttpResponse:
    return _status_page(request, case)


def _status_page(request: HttpRequest, case: Swap, answer: AnswerForm | None = None) -> HttpResponse:
    content = {
        "case": case,
        "words": progress.words(case.status),
        "steps": progress.steps(case),
        "history": progress.told(case),
        "difference_in_words": price_difference(case.price_difference, case.currency),
        "is_late": case.is_undecided and timezone.now() > case.due_at,
        "answer_form": answer or AnswerForm() if case.status == Swap.Status.QUESTION_ASKED else None,
        "answer_url": "refunds:swap_answer",
    }
    return render(request, "refunds/swap.html", _about(case.order) | content, status=200 if answer is None else INVALID)


@get_or_post
@private
@with_case(Swap, STATUS_PAGE)
def cancel(request: HttpRequest, case: Swap) -> HttpResponse:
    if request.method == "POST":
        try:
            swaps.cancel(case)
            messages.success(request, gettext("The swap is cancelled. You keep what you bought."))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    return redirect(case.path)


@get_or_post
@private
@with_case(Swap, STATUS_PAGE)
def answer(request: HttpRequest, case: Swap) -> HttpResponse:
    if request.method != "POST":
        return redirect(case.path)
    form = AnswerForm(request.POST)
    if not form.is_valid() and case.status == Swap.Status.QUESTION_ASKED:
        return _status_page(request, case, form)
    try:
        swaps.answer(case, form.cleaned_data.get("answer", ""))
        messages.success(request, gettext("Thank you. Support has your answer."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect(case.path)
