"""The admin of accepted cards, stores and phone numbers by country."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from orders.countries import parse_country_code
from support.countries import is_country
from support.models import CardRegion, PhoneNumber, StoreRegion

COUNTRIES_MAX_LENGTH = 2000  # characters


class CountriesField(forms.CharField):
    """Country codes separated by spaces, commas or semicolons, in either case: "de, AT CH"."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        typed = [part for part in super().clean(value).replace(",", " ").replace(";", " ").split() if part]
        unknown = [part for part in typed if not is_country(parse_country_code(part))]
        if unknown:
            raise ValidationError(
                _("%(unknown)s isn’t a country code. Enter two-letter codes, for example DE, AT, CH."),
                params={"unknown": ", ".join(unknown)[:100]},
            )
        return list(dict.fromkeys(parse_country_code(part) for part in typed))


class RegionForm(forms.ModelForm):
    countries = CountriesField(
        label=_("countries"),
        required=False,
        max_length=COUNTRIES_MAX_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Country codes, for example DE, AT, CH. Leave empty for all other countries."),
    )


class RegionAdmin(ModelAdmin):
    form = RegionForm

    @admin.display(description=_("countries"))
    def country_codes(self, region: Any) -> str:
        return ", ".join(region.countries)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by country code as well."""
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        code = parse_country_code(search_term)
        return (found | queryset.filter(countries__contains=[code]) if code else found), has_duplicates


@admin.register(CardRegion)
class CardRegionAdmin(RegionAdmin):
    list_display = ["name", "country_codes", "position"]
    search_fields = ["name"]


@admin.register(StoreRegion)
class StoreRegionAdmin(RegionAdmin):
    list_display = ["name", "country_codes", "url", "position"]
    search_fields = ["name", "url"]


@admin.register(PhoneNumber)
class PhoneNumberAdmin(RegionAdmin):
    list_display = ["number", "international_number", "name", "country_codes", "hours", "position"]
    search_fields = ["name", "number", "international_number"]
