"""The page for checking whether an email or a phone call is really from the vendor."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders.access import client_address
from orders.drafts import Draft
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
    """Confirm an email's code or a phone number. Every other input gets the same reply, so that nobody can probe it."""
    draft = Draft(request, GenuineForm.form_name)
    if request.method != "POST":
        typed = draft.load()
        if typed is None or not typed.outcome.get("is_sent"):
            return _page(request, draft, typed.show(GenuineForm(typed.data)) if typed else GenuineForm())
        return _checked_page(request, draft, GenuineForm(typed.data))  # in another language
    return _checked_page(request, draft, GenuineForm(request.POST))


def _checked_page(request: HttpRequest, draft: Draft, form: GenuineForm) -> HttpResponse:
    if not form.is_valid():
        return _page(request, draft, form)
    if not consume([RateLimit("genuine", client_address(request), CLIENT_RATE)], timezone.now()):
        return _page(request, draft, form, result="too-many")
    code, number = form.cleaned_data["code"], form.cleaned_data["phone"]
    email = find_email_by_code(code) if code else None
    phone = find_phone_by_number(number) if number else None
    # If both were entered, both must be genuine.
    is_ours = (email is not None or not code) and (phone is not None or not number)
    if not is_ours:
        return _page(request, draft, form, result="cannot-confirm")
    # A number alone never makes a call ours: callers can make phones show any number.
    return _page(request, draft, form, result="ours" if email else "our-number", email=email, phone=phone)


def _page(request: HttpRequest, draft: Draft, form: GenuineForm, *, result: str = "", **context: Any) -> HttpResponse:
    shown = draft.shown(form, {"is_sent": bool(result)})
    context |= {"form": form, "language_forms": [shown], "result": result}
    if result == "too-many":
        return too_many_requests(request, TEMPLATE, context)
    return render(request, TEMPLATE, context, status=UNPROCESSABLE if form.errors else 200)
