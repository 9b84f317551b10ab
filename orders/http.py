"""What the views of all rooms share: which methods, which caching, and how a refusal is answered."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from orders.rate_limits import SHORT_WINDOW

INVALID, TOO_MANY_REQUESTS = 422, 429  # status codes of a form with errors, and of an exhausted rate limit

private = cache_control(no_store=True, private=True)
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def too_many_requests(request: HttpRequest, template: str, content: dict[str, Any]) -> HttpResponse:
    """A page that asks to wait; `minutes` in it says how long at most."""
    minutes = int(SHORT_WINDOW.total_seconds() // 60)
    response = render(request, template, content | {"minutes": minutes}, status=TOO_MANY_REQUESTS)
    response["Retry-After"] = str(int(SHORT_WINDOW.total_seconds()))
    return response
