"""Middleware of the pages for buyers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from orders.countries import browser_country
from orders.localities import visitor_country, visitor_language


class VisitorMiddleware:
    """Makes country and language of the visitor available for the duration of the request.

    Dates that belong to no order are formatted for that country. Emails that buyers trigger are in the language of the
    page they are on. Must come after Django's LocaleMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        country = visitor_country.set(browser_country(request))
        language = visitor_language.set(get_language() or "")
        try:
            return self.get_response(request)
        finally:
            visitor_country.reset(country)
            visitor_language.reset(language)
