"""What the pages share on which somebody writes to support."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders import access
from orders.budgets import SHORT_WINDOW, Limit, Purse, reserve
from orders.card_numbers import mask_card_numbers
from orders.models import Order
from support.forms.letters import LetterForm
from support.models.threads import due

INVALID, TOO_MANY = 422, 429
# Letters sent by one client; above what a household or an office writes. Each file is judged, which costs.
CLIENT_LIMIT = Limit(short=20, long=100)


def may_write(request: HttpRequest) -> bool:
    """Asked before any file is looked at."""
    return reserve([Purse("client-letter", access.client_address(request), CLIENT_LIMIT)], timezone.now())


def typed(request: HttpRequest) -> dict[str, str]:
    """What was sent, for a form that shows it again unjudged; no card number is written into a page."""
    return {name: mask_card_numbers(str(value)) for name, value in request.POST.items()}


def open_orders(request: HttpRequest) -> list[Order]:
    """Those that are open whole in this browser, newest first."""
    granted = access.granted_orders(request).select_related("store")
    return [order for order in granted if not access.needs_code(request, order)]


def form_page(
    request: HttpRequest, template: str, form: LetterForm, *, too_many: bool = False, **content: Any
) -> HttpResponse:
    """The form, untouched, with its errors, or with the wish to wait. What was typed is in it."""
    status = TOO_MANY if too_many else INVALID if form.errors else 200
    minutes = int(SHORT_WINDOW.total_seconds() // 60)
    shown = {"form": form, "too_many": too_many, "minutes": minutes, "due_at": due()} | content
    response = render(request, template, shown, status=status)
    if too_many:
        response["Retry-After"] = str(int(SHORT_WINDOW.total_seconds()))
    return response
