"""Admin of products, prefixes and SKUs."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext
from unfold.admin import ModelAdmin, TabularInline

from licenses.models import Product, SerialPrefix, Sku, normalize_serial
from licenses.services.skus import map_skus, request_update


class SerialPrefixForm(ModelForm):
    def clean_prefix(self) -> str:
        """In the form in which serial numbers are compared. Names the product that already has the prefix."""
        prefix = normalize_serial(self.cleaned_data["prefix"])
        known = (
            SerialPrefix.objects.filter(prefix=prefix).exclude(pk=self.instance.pk).select_related("product").first()
        )
        if known is not None:
            raise ValidationError(
                gettext("The prefix %(prefix)s belongs to %(product)s. Remove it there first.")
                % {"prefix": prefix, "product": known.product}
            )
        return prefix


class SerialPrefixInline(TabularInline):
    model = SerialPrefix
    form = SerialPrefixForm
    extra = 1


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ["name", "slug", "public_download"]
    list_filter = ["public_download"]
    search_fields = ["name", "slug", "prefixes__prefix"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [SerialPrefixInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            messages.info(request, gettext("Earlier orders with these serial numbers are updated in the background."))


class SkuFormMixin:
    """For admin pages of a SKU: its earlier orders are updated with a new product or kind."""

    def save_model(self, request: HttpRequest, obj: Sku, form: "ModelForm[Sku]", change: bool) -> None:
        """Save only the product and the kind. An import may change the rest at the same time."""
        if change:
            fields = {name: form.cleaned_data[name] for name in ("product", "kind") if name in form.changed_data}
            if not map_skus([obj.pk], **fields):
                return
        else:
            obj.product_from_staff = obj.product_id is not None
            obj.save()
            request_update([obj.pk])
        messages.info(request, gettext("Earlier orders with this SKU are updated in the background."))


@admin.register(Sku)
class SkuAdmin(SkuFormMixin, ModelAdmin):
    """SKUs are created by imports; staff assign them to products and kinds."""

    list_display = ["code", "store", "name", "product", "kind"]
    list_filter = ["store", "product", "kind"]
    list_select_related = ["store", "product"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["product"]
    fields = ["store", "code", "name", "product", "kind"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["store", "code", "name"] if obj else []
