"""The page for checking whether an email or a phone call is really from the vendor."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders.access import client_address
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.rate_limits import Rate, RateLimit, consume
from support.forms.genuine import GenuineForm
from support.genuine import find_email_by_code, find_phone_by_number

TEMPLATE = "support/genuine.html"
# Checks by one client: more than a household gets emails and calls.
CLIENT_RATE = Rate(short=20, long=100)


@get_or_post
@no_store
def genuine(request: HttpRequest) -> HttpResponse:
    """Confirm an email's code or a phone number. Every other input gets the same response, so that
    it can't be probed.
    """
    if request.method != "POST":
        return _page(request, GenuineForm())
    form = GenuineForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=UNPROCESSABLE)
    if not consume([RateLimit("genuine", client_address(request), CLIENT_RATE)], timezone.now()):
        return too_many_requests(request, TEMPLATE, {"form": form, "result": "too-many"})
    code, number = form.cleaned_data["code"], form.cleaned_data["phone"]
    email = find_email_by_code(code) if code else None
    phone = find_phone_by_number(number) if number else None
    # If both were entered, both must be genuine.
    is_ours = (email is not None or not code) and (phone is not None or not number)
    if not is_ours:
        return _page(request, form, result="cannot-confirm")
    # A number alone never proves that a call is genuine, because callers can make phones show any number.
    return _page(request, form, result="ours" if email else "our-number", email=email, phone=phone)


def _page(
    request: HttpRequest, form: GenuineForm, *, result: str = "", status: int = 200, **context: Any
) -> HttpResponse:
    return render(request, TEMPLATE, {"form": form, "result": result} | context, status=status)
