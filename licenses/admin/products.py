"""Admin of products, prefixes and SKUs."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from licenses.models import Product, SerialPrefix, Sku


class SerialPrefixInline(TabularInline):
    model = SerialPrefix
    extra = 1


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name", "slug", "prefixes__prefix"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [SerialPrefixInline]


@admin.register(Sku)
class SkuAdmin(ModelAdmin):
    """SKUs are created by imports; staff assign them to products."""

    list_display = ["code", "store", "name", "product"]
    list_filter = ["store", "product"]
    list_select_related = ["store", "product"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["product"]
    fields = ["store", "code", "name", "product"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["store", "code", "name"] if obj else []
