"""Requesting a return, and the status page of a return."""

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
from orders.access import is_owner_confirmed, with_order
from orders.drafts import Draft, SeeOther
from orders.http import UNPROCESSABLE, get_or_post, no_store, tell_about_card_number
from orders.models import Order
from refunds.amounts import ZERO
from refunds.effects import find_effects
from refunds.eligibility import TOO_LATE, check_eligibility
from refunds.extended_service import find_extended_service
from refunds.forms.returns import ReturnForm
from refunds.models import Return
from refunds.services import returns
from refunds.withdrawal_rights import has_withdrawal_right


@get_or_post
@no_store
@with_order
def request_return(request: HttpRequest, order: Order) -> HttpResponse:
    """Show the form, keep the input for the check page, and create the return when that page confirms it."""
    now, draft = timezone.now(), _draft(request, order)
    if request.method != "POST" and not draft.id:
        return draft.start()
    make_form = partial(ReturnForm, check_eligibility(order, now), now)
    if request.method != "POST":
        return _form_page(request, draft, draft.typed_form(make_form) or make_form())
    form = make_form(request.POST)
    is_confirmed = request.POST.get("confirm") == "1"
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if is_valid and is_confirmed:
        try:
            return finish(request, draft, _send(request, order, form))
        except Refusal as refusal:
            form.add_refusal(refusal)
            messages.error(request, str(refusal))
    if form.errors and is_confirmed and (earlier := _find_earlier(order, form)):
        return finish(request, draft, earlier)
    draft.save(form)
    page = "refunds:request_return" if form.errors else "refunds:check_return"
    return SeeOther(draft.url(reverse(page, args=[order.public_id])))


@require_safe
@no_store
@with_order
def check_return(request: HttpRequest, order: Order) -> HttpResponse:
    """Show what would be sent, with the refund amount and what the return does to the rest of the order."""
    now, draft = timezone.now(), _draft(request, order)
    form = draft.checked_form(partial(ReturnForm, check_eligibility(order, now), now))
    if form is None or form.errors:
        return redirect(draft.url(reverse("refunds:request_return", args=[order.public_id])))
    return _check_page(request, draft, form)


def _draft(request: HttpRequest, order: Order) -> Draft:
    return Draft(request, ReturnForm.form_name, order.public_id)


def _send(request: HttpRequest, order: Order, form: ReturnForm) -> Return:
    return returns.request_return(
        order,
        form.requested_lines(),
        form.cleaned_data["reason"],
        form.cleaned_data["comment"],
        submission_id=form.order_submission_id,
        may_approve=is_owner_confirmed(request, order),
    )


def _find_earlier(order: Order, form: ReturnForm) -> Return | None:
    """Return the return that a second click or a second window has created in the meantime."""
    requested = form.typed_lines()
    if earlier := returns.find_submitted(order, requested, form.order_submission_id):
        return earlier
    for requested_line in requested:
        line = form.eligibility.get_line(requested_line.line_id)
        if line is not None and requested_line.quantity > line.available:
            return returns.find_open_return(order, requested)
    return None


def _form_page(request: HttpRequest, draft: Draft, form: ReturnForm) -> HttpResponse:
    eligibility = form.eligibility
    order, latest = eligibility.order, eligibility.latest
    context = {
        "eligibility": eligibility,
        "form": None if eligibility.refusal else form,
        "language_forms": [] if eligibility.refusal else [draft.shown(form)],
        "last_moment": latest.last_moment if latest else order.placed_at,
        "is_period_over": eligibility.refusal is TOO_LATE,
        "has_withdrawal_right": has_withdrawal_right(order.billing_country),
    }
    has_errors = form.is_bound and bool(form.errors) and not eligibility.refusal
    status = UNPROCESSABLE if has_errors else 200
    return render(request, "refunds/return_form.html", order_context(order) | context, status=status)


def _check_page(request: HttpRequest, draft: Draft, form: ReturnForm) -> HttpResponse:
    eligibility = form.eligibility
    order, amount = eligibility.order, sum((each.amount for each in form.checked_lines), ZERO)
    context = {
        "form": form,
        "form_url": draft.url(reverse("refunds:request_return", args=[order.public_id])),
        "checked_lines": form.checked_lines,
        "amount": amount,
        "tax": sum((each.tax for each in form.checked_lines), ZERO),
        "is_reduced": form.is_reduced(),
        "reason": form.cleaned_data["reason"],
        "comment": form.cleaned_data["comment"],
        "approved_at_once": is_owner_confirmed(request, order)
        and returns.is_auto_approved(eligibility, form.checked_lines, timezone.now()),
        "service": find_extended_service(eligibility, form.checked_lines),
        "effects": find_effects(eligibility, form.checked_lines),
        "due_at": default_due_at(),
    }
    return render(request, "refunds/return_check.html", order_context(order) | context)


# --- Status page -----------------------------------------------------------------------------------------


def _status_context(case: Return) -> dict[str, Any]:
    lines = case.lines.select_related("line").prefetch_related("licenses")
    return {
        "lines": list(lines.order_by("line__position", "pk")),
        "amount": case.amount if case.amount_approved is None else case.amount_approved,
        "is_called_off": case.status in (Return.Status.DECLINED, Return.Status.CANCELLED),
    }


status_pages = StatusPages(
    Return,
    "refunds",
    "return",
    "refunds/return.html",
    _status_context,
    canceled_message=_("We’ve canceled your return. You keep what you bought."),
)
