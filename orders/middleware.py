"""Middleware of the pages for buyers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from orders.countries import browser_country
from orders.localities import visitor_country


class VisitorCountryMiddleware:
    """Make the browser's country known to dates that belong to no order, for the duration of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = visitor_country.set(browser_country(request))
        try:
            return self.get_response(request)
        finally:
            visitor_country.reset(token)
