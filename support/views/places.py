"""Accepted cards, phones and stores, the visitor's country first."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from orders import access
from orders.countries import guess_country, parse_country_code
from support.models import CardRegion, PhoneNumber, StoreRegion
from support.places import countries, is_country, sorted_for

# What is guessed from an order that is open is nobody else's.
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


def _page(request: HttpRequest, template: str, places: QuerySet[Any]) -> HttpResponse:
    wanted = request.GET.get("country", "")
    country, refusal = parse_country_code(wanted), ""
    if wanted.strip() and not is_country(country):
        country, refusal = "", gettext("No country has this code. Please choose yours from the list.")
    country = country or guess_country(request, access.granted_orders(request)[:5])
    content = {
        "country": country,
        "countries": countries(),
        "refusal": refusal,
        "places": sorted_for(country, places),
    }
    return render(request, template, content)
