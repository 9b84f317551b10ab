"""View decorators and responses that the views of all apps share."""

import math
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from orders import formats
from orders.forms.fields import CardNumberMaskingForm
from orders.rate_limits import SHORT_WINDOW

UNPROCESSABLE = 422  # status code of a page that shows a form with errors
TOO_MANY_REQUESTS = 429  # status code of a page that a rate limit refused

no_store = cache_control(no_store=True, private=True)
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def tell_about_card_number(request: HttpRequest, form: CardNumberMaskingForm | None = None) -> None:
    """Inform the person on the next page if a card number in this validated form was masked."""
    if form is None or form.has_masked_card_number():
        messages.warning(request, gettext("What you wrote contained a card number. We kept only its last 4 digits."))


def too_many_requests(
    request: HttpRequest, template: str, context: dict[str, Any], retry_at: datetime | None = None
) -> HttpResponse:
    """Render a page that asks to wait until `retry_at`; without it, for the longest duration of a short rate limit.

    The context gets `minutes`, rounded up, and `wait`: for how long and until when, in words.
    """
    now = timezone.now()
    retry_at = max(retry_at or now + SHORT_WINDOW, now)
    seconds = math.ceil((retry_at - now).total_seconds())
    context = context | {"minutes": math.ceil(seconds / 60), "wait": formats.wait(now, retry_at)}
    response = render(request, template, context, status=TOO_MANY_REQUESTS)
    response["Retry-After"] = str(seconds)
    return response
