"""Admin of licenses: search by serial number, with devices and orders."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from licenses.models import Device, DeviceRelease, License, LicensedLine, end_reason, normalize_serial
from licenses.services.staff_decisions import decide_license
from orders.admin import ReadOnlyMixin
from orders.admin_cells import link, minute


class LicensedLineInline(ReadOnlyMixin, TabularInline):
    model = LicensedLine
    verbose_name_plural = _("on orders")
    fields = ["on_order", "placed_at", "item", "origin", "product", "devices", "starts_on", "expires_on", "ended"]
    readonly_fields = ["on_order", "placed_at", "item", "ended"]
    extra = 0
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[LicensedLine]:
        found: QuerySet[LicensedLine] = super().get_queryset(request)
        return found.select_related("order__store", "line", "license", "product").order_by("-order__placed_at", "-pk")

    @admin.display(description=_("order"))
    def on_order(self, row: LicensedLine) -> SafeString:
        page = reverse("admin:orders_order_change", args=[row.order_id])
        return format_html('<a class="admin-link" href="{}">{}</a> ({})', page, row.order, row.order.store)

    @admin.display(description=_("placed at"))
    def placed_at(self, row: LicensedLine) -> str:
        return minute(row.order.placed_at)

    @admin.display(description=_("item"))
    def item(self, row: LicensedLine) -> SafeString:
        page = reverse("admin:licenses_linewithoutserial_change", args=[row.line_id])
        return link(page, row.line)

    @admin.display(description=_("ended"))
    def ended(self, row: LicensedLine) -> str:
        reason = end_reason(row.order, row.line, row.unit_end)
        return str(reason.label) if reason else "–"


class DeviceInline(ReadOnlyMixin, TabularInline):
    model = Device
    verbose_name_plural = _("devices in use, reported by the activation server")
    fields = ["name", "platform", "vendor_id", "activated_at", "last_seen_at", "deactivated_at", "released_at"]
    readonly_fields = ["released_at"]
    extra = 0
    hide_title = True
    ordering = ["deactivated_at", "-last_seen_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        found: QuerySet[Device] = super().get_queryset(request)
        standing = DeviceRelease.objects.not_undone().filter(device=OuterRef("pk")).order_by("-requested_at")
        return found.annotate(released=Subquery(standing.values("requested_at")[:1]))

    @admin.display(description=_("released by the owner"))
    def released_at(self, device: Any) -> str:
        return minute(device.released)


@admin.register(License)
class LicenseAdmin(ModelAdmin):
    """Licenses are derived from their orders. Staff with Django's change permission can override this."""

    list_display = ["serial", "product", "devices", "starts_on", "expires_on", "activated_at", "revoked_at"]
    list_filter = ["product"]
    list_select_related = ["product"]
    search_fields = ["serial_key__startswith"]  # enables the search; see `get_search_results`
    search_help_text = _("Serial number or its first characters")
    show_full_result_count = False
    readonly_fields = ["serial", "product", "devices", "starts_on", "expires_on", "activated_at", "revoked_at"]
    fields = [*readonly_fields, "staff_decision", "staff_expires_on"]
    inlines = [LicensedLineInline, DeviceInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: License | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: License, form: Any, change: bool) -> None:
        decide_license(obj, obj.staff_decision, obj.staff_expires_on)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[License], search_term: str
    ) -> tuple[QuerySet[License], bool]:
        if not search_term.strip():
            return queryset, False
        key = normalize_serial(search_term)
        return (queryset.filter(serial_key__startswith=key) if key else queryset.none()), False
