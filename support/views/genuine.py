"""Is this really from you?"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders.access import client_address
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.rate_limits import Rate, RateLimit, consume
from support.forms.genuine import GenuineForm
from support.genuine import mail_with_code, phone_with_number

TEMPLATE = "support/genuine.html"
# Codes and numbers that one client asks about; above what a household gets in mails and calls.
ASK_RATE = Rate(short=20, long=100)


@get_or_post
@no_store
def genuine(request: HttpRequest) -> HttpResponse:
    """One sentence for whatever is not ours, so that nothing is learned from it."""
    if request.method != "POST":
        return _page(request, GenuineForm())
    form = GenuineForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=UNPROCESSABLE)
    if not consume([RateLimit("genuine", client_address(request), ASK_RATE)], timezone.now()):
        return too_many_requests(request, TEMPLATE, {"form": form, "result": "too-many"})
    code, number = form.cleaned_data["code"], form.cleaned_data["phone"]
    mail = mail_with_code(code) if code else None
    phone = phone_with_number(number) if number else None
    # Where both were entered, both must be ours.
    is_ours = (mail is not None or not code) and (phone is not None or not number)
    return _page(request, form, result="ours" if is_ours else "cannot-confirm", mail=mail, phone=phone)


def _page(
    request: HttpRequest, form: GenuineForm, *, result: str = "", status: int = 200, **found: Any
) -> HttpResponse:
    content = {"form": form, "result": result} | found
    return render(request, TEMPLATE, content, status=status)
