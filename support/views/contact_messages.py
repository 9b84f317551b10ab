"""Shared by the pages on which a person writes to support: contact, charge claim, and the reply in a thread."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from files.client_limits import is_exhausted
from files.rejection_reasons import RejectionReason
from orders import access
from orders.card_numbers import mask_card_numbers
from orders.forms import PortalForm
from orders.http import UNPROCESSABLE, tell_about_card_number, too_many_requests
from orders.rate_limits import Rate, RateLimit, allows, consume
from support.models.threads import default_due_at

# Messages and replies sent by one client: more than a household or an office writes. Checking files is expensive.
CLIENT_RATE = Rate(short=20, long=100)


def consume_message_rate(request: HttpRequest) -> bool:
    """Whether this client may send a message now. Call it before any file is checked."""
    return consume([_message_limit(request)], timezone.now())


def refuse_files(request: HttpRequest) -> RejectionReason | None:
    """Return why no file from this client is accepted now, if so. For `receives_files`: the body is not read yet."""
    if not allows(_message_limit(request), timezone.now()):
        return RejectionReason.BUSY  # not shown: the page asks to wait
    return RejectionReason.DAILY_LIMIT if is_exhausted(access.client_address(request)) else None


def _message_limit(request: HttpRequest) -> RateLimit:
    return RateLimit("client-contact-message", access.client_address(request), CLIENT_RATE)


def submitted_values(request: HttpRequest) -> dict[str, str]:
    """The submitted values as initial data of a form that is shown again unvalidated, with card numbers masked."""
    submitted = {name: str(value) for name, value in request.POST.items()}
    masked = {name: mask_card_numbers(value) for name, value in submitted.items()}
    if masked != submitted:
        tell_about_card_number(request)
    return masked


def render_form(
    request: HttpRequest, template: str, form: PortalForm, *, too_many: bool = False, **context: Any
) -> HttpResponse:
    """Render the form with its errors, or, with `too_many`, the request to try again later."""
    context = {"form": form, "too_many": too_many, "due_at": default_due_at()} | context
    if too_many:
        return too_many_requests(request, template, context)
    return render(request, template, context, status=UNPROCESSABLE if form.errors else 200)
