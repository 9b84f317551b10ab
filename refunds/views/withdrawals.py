"""Withdrawing from a contract: statement, confirmation, acknowledgement. Needs no access to an order."""

from datetime import timedelta, tzinfo
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from orders import access
from orders.drafts import Draft, SeeOther
from orders.http import UNPROCESSABLE, get_or_post, no_store, tell_about_card_number, too_many_requests
from orders.localities import Locality
from orders.rate_limits import Rate, RateLimit, allows, consume, next_attempt_at
from refunds.forms.withdrawals import WithdrawalForm
from refunds.models import Withdrawal
from refunds.services import withdrawals
from refunds.statements import clean_name

TEMPLATE = "refunds/withdraw.html"
# Withdrawals from one client address, which may be a household, an office or a phone network.
CLIENT_RATE = Rate(short=20, long=200)
SESSION_KEY = "withdrawals"
ACKNOWLEDGEMENT_SHOWN_FOR = timedelta(minutes=30)


@get_or_post
@no_store
def withdraw(request: HttpRequest) -> HttpResponse:
    """Show the form, keep the input for the check page, and record the withdrawal when that page confirms it.

    Never reveals whether the order exists.
    """
    draft = Draft(request, WithdrawalForm.form_name)
    if request.method != "POST" and not draft.id:
        return draft.start()
    if request.method != "POST":
        form = draft.typed_form(partial(_make_form, request)) or WithdrawalForm(initial=_initial_values(request))
        return _form_page(request, draft, form, too_many=_was_refused(request, draft))
    form = _make_form(request, request.POST)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if not is_valid or request.POST.get("confirm") != "1":
        return _keep(request, draft, form)
    now = timezone.now()
    if not consume([_limit(request)], now):
        return _form_page(request, draft, form, too_many=True)
    withdrawal = withdrawals.withdraw(form.statement, get_language() or "", form.scoped_submission_id)
    shown = request.session.get(SESSION_KEY, {})
    request.session[SESSION_KEY] = shown | {withdrawal.reference: (now + ACKNOWLEDGEMENT_SHOWN_FOR).timestamp()}
    draft.drop()
    return redirect("refunds:withdrawal", withdrawal.reference)


@require_safe
@no_store
def check(request: HttpRequest) -> HttpResponse:
    """Show the statement to confirm."""
    draft = Draft(request, WithdrawalForm.form_name)
    form = draft.checked_form(partial(_make_form, request))
    if form is None or form.errors:
        return redirect(draft.url(reverse("refunds:withdraw")))
    return _check_page(request, draft, form)


def _keep(request: HttpRequest, draft: Draft, form: WithdrawalForm) -> HttpResponse:
    """Redirect to the check page, or to the form with its errors. Without a draft, show it immediately."""
    if not draft.save(form):
        return _form_page(request, draft, form) if form.errors else _check_page(request, draft, form)
    return SeeOther(draft.url(reverse("refunds:withdraw" if form.errors else "refunds:check_withdrawal")))


def _make_form(request: HttpRequest, data: Any) -> WithdrawalForm:
    # Before anything is stored in the session: if access was idle for too long, this ends it.
    open_orders = access.granted_orders(request)
    return WithdrawalForm(data, is_open_order=lambda number: open_orders.for_number(number).exists())


def _limit(request: HttpRequest) -> RateLimit:
    return RateLimit("client-withdrawal", access.client_address(request), CLIENT_RATE)


def _was_refused(request: HttpRequest, draft: Draft) -> bool:
    """Whether the page said that there were too many before its language was changed, and still does."""
    typed = draft.load()
    return typed is not None and "too_many" in typed.outcome and not allows(_limit(request), timezone.now())


def _form_page(request: HttpRequest, draft: Draft, form: WithdrawalForm, *, too_many: bool = False) -> HttpResponse:
    if too_many:
        shown = draft.shown(form, {"too_many": True})
        context = {"form": form, "too_many": True, "language_forms": [shown]}
        return too_many_requests(request, TEMPLATE, context, next_attempt_at([_limit(request)], timezone.now()))
    status = UNPROCESSABLE if form.is_bound and form.errors else 200
    return render(request, TEMPLATE, {"form": form, "language_forms": [draft.shown(form)]}, status=status)


def _check_page(request: HttpRequest, draft: Draft, form: WithdrawalForm) -> HttpResponse:
    context = {"form": form, "form_url": draft.url(reverse("refunds:withdraw")), "statement": form.statement}
    return render(request, "refunds/withdraw_check.html", context)


def _initial_values(request: HttpRequest) -> dict[str, Any]:
    """Return name and number of an accessible order. Not its email address, which the order page masks."""
    public_id = request.GET.get("order", "")
    orders = [order for order in access.granted_orders(request) if not public_id or str(order.public_id) == public_id]
    if len(orders) != 1 or access.needs_code(request, orders[0]):
        return {}
    return {"name": clean_name(orders[0].billing_name), "order_number": orders[0].number}


@require_safe
@no_store
def acknowledgement(request: HttpRequest, reference: str) -> HttpResponse:
    """Show what was stated and when, for half an hour and only in the session that sent it."""
    shown_until = request.session.get(SESSION_KEY, {}).get(reference.upper(), 0)
    if timezone.now().timestamp() >= shown_until:
        return redirect("refunds:withdraw")
    withdrawal = Withdrawal.objects.get(reference=reference.upper())
    context = {
        "case": withdrawal,
        "zone": _zone(request, withdrawal),
        "was_emailed": not withdrawal.events.filter(to_status=Withdrawal.Status.RECEIVED).exclude(note="").exists(),
    }
    return render(request, "refunds/withdrawal.html", context)


def _zone(request: HttpRequest, withdrawal: Withdrawal) -> Locality | tzinfo:
    """Return the order's locality if it is accessible, otherwise UTC, to not reveal whether the order exists."""
    accessible = access.granted_orders(request).for_number(withdrawal.order_number).for_email(withdrawal.email)
    order = accessible.select_related("store").first()
    return order.locality if order is not None else timezone.get_default_timezone()
