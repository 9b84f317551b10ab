"""Withdrawing from a contract: say so, confirm it, keep the acknowledgement. Open to everybody, without an order."""

from datetime import timedelta, tzinfo
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from orders import access
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.rate_limits import Rate, RateLimit, consume
from refunds.forms.withdrawals import WithdrawalForm
from refunds.models import Withdrawal
from refunds.services import withdrawals

TEMPLATE = "refunds/withdraw.html"
# Statements from one network address: a household, an office, a phone network.
CLIENT_RATE = Rate(short=20, long=200)
SESSION_KEY = "withdrawals"
SHOWN_FOR = timedelta(minutes=30)


@get_or_post
@no_store
def withdraw(request: HttpRequest) -> HttpResponse:
    """The statement, a second look at it, and the confirmation. Whether its order is known is never told."""
    if request.method != "POST":
        return _form_page(request, WithdrawalForm(initial=_known(request)))
    form = WithdrawalForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, UNPROCESSABLE)
    if request.POST.get("change") == "1":
        return _form_page(request, form)
    if request.POST.get("confirm") != "1":
        return render(request, "refunds/withdraw_check.html", {"form": form, "statement": form.statement})
    now = timezone.now()
    if not consume([RateLimit("client-withdrawal", access.client_address(request), CLIENT_RATE)], now):
        return too_many_requests(request, TEMPLATE, {"form": form, "too_many": True})
    withdrawal = withdrawals.withdraw(form.statement, get_language() or "", form.submission)
    shown = request.session.get(SESSION_KEY, {})
    request.session[SESSION_KEY] = shown | {withdrawal.reference: (now + SHOWN_FOR).timestamp()}
    return redirect("refunds:withdrawal", withdrawal.reference)


def _form_page(request: HttpRequest, form: WithdrawalForm, status: int = 200) -> HttpResponse:
    return render(request, TEMPLATE, {"form": form}, status=status)


def _known(request: HttpRequest) -> dict[str, Any]:
    """What the page of an open order shows anyway; its email address is masked there, and so stays away from here."""
    wanted = request.GET.get("order", "")
    orders = [order for order in access.granted_orders(request) if not wanted or str(order.public_id) == wanted]
    if len(orders) != 1 or access.pending_code_address(request, orders[0]):
        return {}
    return {"name": orders[0].billing_name, "order_number": orders[0].number}


@require_safe
@no_store
def acknowledgement(request: HttpRequest, reference: str) -> HttpResponse:
    """What was stated and when, for half an hour in the browser that stated it; for all others there is nothing."""
    until = request.session.get(SESSION_KEY, {}).get(reference.upper(), 0)
    if timezone.now().timestamp() >= until:
        return redirect("refunds:withdraw")
    withdrawal = Withdrawal.objects.get(reference=reference.upper())
    content = {
        "case": withdrawal,
        "zone": _zone(request, withdrawal),
        "mailed": not withdrawal.events.filter(to_status=Withdrawal.Status.RECEIVED).exclude(note="").exists(),
    }
    return render(request, "refunds/withdrawal.html", content)


def _zone(request: HttpRequest, withdrawal: Withdrawal) -> tzinfo:
    """The store's, where its order is open here; else UTC, so that nobody learns whether there is such an order."""
    for order in access.granted_orders(request).select_related("store"):
        if order.pk == withdrawal.order_id:
            return order.store.tzinfo
    return timezone.get_default_timezone()
