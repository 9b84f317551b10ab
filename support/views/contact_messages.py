"""Shared by the two pages on which a person writes to support: contact and charge claim."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders import access
from orders.card_numbers import mask_card_numbers
from orders.http import UNPROCESSABLE, tell_about_card_number, too_many_requests
from orders.rate_limits import Rate, RateLimit, consume
from support.forms.contact_messages import ContactMessageForm
from support.models.threads import default_due_at

# Messages sent by one client: more than a household or an office writes. Checking their files is expensive.
CLIENT_RATE = Rate(short=20, long=100)


def consume_message_rate(request: HttpRequest) -> bool:
    """Whether this client may send a message now. Call it before any file is checked."""
    limit = RateLimit("client-contact-message", access.client_address(request), CLIENT_RATE)
    return consume([limit], timezone.now())


def submitted_values(request: HttpRequest) -> dict[str, str]:
    """The submitted values as initial data of a form that is shown again unvalidated, with card numbers masked."""
    submitted = {name: str(value) for name, value in request.POST.items()}
    masked = {name: mask_card_numbers(value) for name, value in submitted.items()}
    if masked != submitted:
        tell_about_card_number(request)
    return masked


def render_form(
    request: HttpRequest, template: str, form: ContactMessageForm, *, too_many: bool = False, **context: Any
) -> HttpResponse:
    """Render the form with its errors, or, with `too_many`, the request to try again later."""
    context = {"form": form, "too_many": too_many, "due_at": default_due_at()} | context
    if too_many:
        return too_many_requests(request, template, context)
    return render(request, template, context, status=UNPROCESSABLE if form.errors else 200)
