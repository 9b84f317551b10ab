"""Admin of the SKUs of imported orders, where staff assign them to products and kinds."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import ActionForm
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelectWidget

from cases.admin.queues import DefaultChoiceFilter
from intake.models import COUNTED_LINES, SkuMapping, load_usage
from licenses.admin.products import SkuFormMixin
from licenses.models import Product
from licenses.services.skus import map_skus
from orders.models import OrderLine

NONE = "none"  # the choice that removes the product or the kind


class ToMapFilter(DefaultChoiceFilter):
    """Shows what staff have to do, by default."""

    title = _("to do")
    parameter_name = "todo"
    unfiltered_value = "all"
    options = (
        ("incomplete", _("without product or kind")),
        ("updating", _("earlier orders are being updated")),
        ("all", _("all")),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        skus: Any = queryset
        if self.selected_value == "updating":
            return skus.being_updated()
        return queryset if self.selected_value == "all" else skus.incomplete()


def _select(label: Any) -> UnfoldAdminSelectWidget:
    """Return a select that looks like the one of the actions next to it."""
    classes = ActionForm.base_fields["action"].widget.attrs["class"].split()
    narrower = " ".join(name for name in classes if not name.endswith(":lg:w-72"))  # three fit in a row
    return UnfoldAdminSelectWidget({"class": narrower, "aria-label": label})


class SkuActionForm(ActionForm):
    """The action, with the values that it sets."""

    product = forms.ChoiceField(label="", required=False, widget=_select(_("product")))
    kind = forms.ChoiceField(
        label="",
        required=False,
        widget=_select(_("kind")),
        choices=[("", _("Kind: unchanged")), (NONE, _("Kind: from the store")), *OrderLine.Kind.choices],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        product_field = self.fields["product"]
        assert isinstance(product_field, forms.ChoiceField)
        products = [(str(pk), name) for pk, name in Product.objects.values_list("pk", "name")]
        product_field.choices = [("", _("Product: unchanged")), (NONE, _("Product: none")), *products]


class SkuChangeList(ChangeList):
    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        skus: list[SkuMapping] = list(self.result_list)
        self.model_admin.load_columns(skus)
        self.result_list = skus


@admin.register(SkuMapping)
class SkuMappingAdmin(SkuFormMixin, ModelAdmin):
    action_form = SkuActionForm
    actions = ["set_product_and_kind"]
    list_display = ["code", "name", "store", "product", "kind_label", "lines", "first_day", "last_day", "state"]
    list_filter = [ToMapFilter, "store", "kind", "product"]
    list_per_page = 50
    search_fields = ["code", "name"]
    search_help_text = _("SKU or name of the item")
    show_full_result_count = False
    ordering = ["store", "code"]
    fields = ["store", "code", "name", "lines", "first_day", "last_day", "state", "product", "kind"]
    readonly_fields = ["store", "code", "name", "lines", "first_day", "last_day", "state"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SkuMapping]:
        return SkuMapping.mappings.select_related("store", "product")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SkuChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        sku = super().get_object(request, object_id, from_field)
        if sku is not None:
            load_usage([sku])
        return sku

    # --- Columns ---

    def load_columns(self, skus: list[SkuMapping]) -> None:
        """Load what the columns of these rows need. Also called for exports of the list (desk/exports.py)."""
        load_usage(skus)

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, sku: SkuMapping) -> str:
        return str(sku.get_kind_display()) if sku.kind else gettext("from the store")

    @display(description=_("items in orders"))
    def lines(self, sku: SkuMapping) -> str:
        lines = sku.usage.lines
        return f"{COUNTED_LINES}+" if lines > COUNTED_LINES else str(lines)

    @display(description=_("first order"))
    def first_day(self, sku: SkuMapping) -> Any:
        return sku.usage.first_day

    @display(description=_("last order"))
    def last_day(self, sku: SkuMapping) -> Any:
        return sku.usage.last_day

    @display(description=_("status"), label={"updating": "info"})
    def state(self, sku: SkuMapping) -> Any:
        return ("updating", gettext("being updated")) if sku.is_being_updated else None

    # --- Many at once ---

    @action(description=_("Set product and kind"), permissions=["change"])
    def set_product_and_kind(self, request: HttpRequest, queryset: QuerySet[SkuMapping]) -> None:
        # Django has validated the form.
        product, kind = request.POST.get("product", ""), request.POST.get("kind", "")
        changes: dict[str, Any] = {}
        if product:
            changes["product"] = None if product == NONE else get_object_or_404(Product, pk=product)
        if kind:
            changes["kind"] = "" if kind == NONE else kind
        if not changes:
            messages.warning(request, gettext("Choose a product or a kind next to the action."))
            return
        changed = map_skus(list(queryset.values_list("pk", flat=True)), **changes)
        if not changed:
            messages.info(request, gettext("Nothing was changed. The SKUs already have this product and kind."))
            return
        assert isinstance(request.user, User)
        LogEntry.objects.log_actions(
            request.user.pk,
            SkuMapping.mappings.filter(pk__in=changed),
            CHANGE,
            [{"changed": {"fields": sorted(changes)}}],
        )
        done = ngettext(
            "%(count)s SKU changed. Its earlier orders are updated in the background.",
            "%(count)s SKUs changed. Their earlier orders are updated in the background.",
            len(changed),
        )
        messages.success(request, done % {"count": len(changed)})
