"""What the pages share on which somebody writes to support."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders import access
from orders.card_numbers import mask_card_numbers
from orders.http import UNPROCESSABLE, too_many_requests
from orders.rate_limits import Rate, RateLimit, consume
from support.forms.letters import LetterForm
from support.models.threads import due

# Letters sent by one client; above what a household or an office writes. Each file is judged, which costs.
CLIENT_RATE = Rate(short=20, long=100)


def may_write(request: HttpRequest) -> bool:
    """Asked before any file is looked at."""
    return consume([RateLimit("client-letter", access.client_address(request), CLIENT_RATE)], timezone.now())


def typed(request: HttpRequest) -> dict[str, str]:
    """What was sent, for a form that shows it again unjudged; no card number is written into a page."""
    return {name: mask_card_numbers(str(value)) for name, value in request.POST.items()}


def form_page(
    request: HttpRequest, template: str, form: LetterForm, *, too_many: bool = False, **content: Any
) -> HttpResponse:
    """The form, untouched, with its errors, or with the wish to wait. What was typed is in it."""
    shown = {"form": form, "too_many": too_many, "due_at": due()} | content
    if too_many:
        return too_many_requests(request, template, shown)
    return render(request, template, shown, status=UNPROCESSABLE if form.errors else 200)
