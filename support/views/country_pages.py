"""The pages of accepted cards, phone numbers and stores, with the visitor's country first."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from orders import access
from orders.countries import guess_country, parse_country_code
from support.countries import countries, group_by_country, is_country
from support.models import CardRegion, PhoneNumber, StoreRegion

# The guessed country may come from the visitor's own order, so shared caches must not keep the page.
private = cache_control(private=True, no_cache=True)


@require_safe
@private
def cards(request: HttpRequest) -> HttpResponse:
    return _page(request, "support/cards.html", CardRegion.objects.all())


@require_safe
@private
def contacts(request: HttpRequest) -> HttpResponse:
    return _page(request, "support/contacts.html", PhoneNumber.objects.all())


@require_safe
@private
def stores(request: HttpRequest) -> HttpResponse:
    return _page(request, "support/stores.html", StoreRegion.objects.all())


def _page(request: HttpRequest, template: str, entries: QuerySet[Any]) -> HttpResponse:
    requested = request.GET.get("country", "")
    country, refusal = parse_country_code(requested), ""
    if requested.strip() and not is_country(country):
        country, refusal = "", gettext("We don’t know this country code. Choose your country from the list.")
    country = country or guess_country(request, access.granted_orders(request)[:5])
    context = {
        "country": country,
        "countries": countries(),
        "refusal": refusal,
        "entries": group_by_country(country, entries),
    }
    return render(request, template, context)
