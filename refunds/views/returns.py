"""Asking for a return, following it, answering, canceling."""

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
from refunds.countries import may_withdraw
from refunds.eligibility import TOO_LATE, Eligibility, judge
from refunds.forms.returns import ReturnForm
from refunds.models import Return
from refunds.services import returns


@get_or_post
@no_store
@with_order
def request_return(request: HttpRequest, order: Order) -> HttpResponse:
    """Choose items; look at what comes back; send. Nothing is kept before the last step."""
    now = timezone.now()
    eligibility = judge(order, now)
    if request.method != "POST":
        return _form_page(request, eligibility, ReturnForm(eligibility, now))
    form = ReturnForm(eligibility, now, request.POST)
    confirmed = request.POST.get("confirm") == "1"
    if form.is_valid() and confirmed:
        try:
            return redirect(_send(order, form).path)
        except Refusal as refusal:
            form.add_refusal(refusal)
    if form.errors:
        earlier = _sent_already(order, form) if confirmed else None
        return redirect(earlier.path) if earlier else _form_page(request, eligibility, form)
    if request.POST.get("change") == "1":
        return _form_page(request, eligibility, form)
    return _check_page(request, eligibility, form)


def _send(order: Order, form: ReturnForm) -> Return:
    return returns.request_return(
        order,
        form.wishes(),
        form.cleaned_data["reason"],
        form.cleaned_data["comment"],
        submission_id=form.submission_id_of_order,
    )


def _sent_already(order: Order, form: ReturnForm) -> Return | None:
    """What a second click, or the same form in a second window, brought in while this one was on its way."""
    wishes = form.typed_wishes()
    if earlier := returns.sent_before(order, wishes, form.submission_id_of_order):
        return earlier
    held = [each for wish in wishes if (each := form.eligibility.of(wish.line_id)) and wish.quantity > each.free]
    return returns.open_for(order, wishes) if held else None


def _form_page(request: HttpRequest, eligibility: Eligibility, form: ReturnForm) -> HttpResponse:
    order = eligibility.order
    latest = max(eligibility.lines, key=lambda each: each.until, default=None)
    content = {
        "eligibility": eligibility,
        "form": None if eligibility.refusal else form,
        "last_moment": latest.last_moment if latest else order.placed_at,
        "is_over": eligibility.refusal is TOO_LATE,
        "may_withdraw": may_withdraw(order.billing_country),
    }
    refused = form.is_bound and bool(form.errors) and not eligibility.refusal
    return render(
        request, "refunds/return_form.html", _about(order) | content, status=UNPROCESSABLE if refused else 200
    )


def _check_page(request: HttpRequest, eligibility: Eligibility, form: ReturnForm) -> HttpResponse:
    order, amount = eligibility.order, sum((each.amount for each in form.judged), ZERO)
    content = {
        "form": form,
        "judged": form.judged,
        "amount": amount,
        "tax": sum((each.tax for each in form.judged), ZERO),
        "reason": form.cleaned_data["reason"],
        "comment": form.cleaned_data["comment"],
        "approved_at_once": eligibility.terms.approves_by_itself(amount, order.currency),
        "revokes": eligibility.terms.policy.revokes_serials and any(each.licenses for each in form.judged),
        "due_at": due(),
    }
    return render(request, "refunds/return_check.html", _about(order) | content)


def _about(order: Order) -> dict[str, Any]:
    return {"order": order, "zone": order.store.tzinfo, "payment": formats.payment_line(order)}


# --- What became of it -----------------------------------------------------------------------------------


def _status(case: Return) -> dict[str, Any]:
    lines = case.lines.select_related("line").prefetch_related("licenses")
    return {
        "lines": list(lines.order_by("line__position", "pk")),
        "amount": case.amount if case.amount_approved is None else case.amount_approved,
        "comes_to_nothing": case.status in (Return.Status.DECLINED, Return.Status.CANCELLED),
    }


status_pages = StatusPages(
    Return,
    "refunds",
    "return",
    "refunds/return.html",
    _status,
    canceled=_("The return is canceled. You keep what you bought."),
)
