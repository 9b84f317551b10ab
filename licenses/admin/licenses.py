"""Licences for staff."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from licenses.models import License
from orders.admin import ReadOnly


@admin.register(License)
class LicenseAdmin(ReadOnly, ModelAdmin):
    list_display = ["serial", "product", "devices", "starts_on", "expires_on", "activated_at", "revoked_at"]
    list_filter = ["product"]
    list_select_related = ["product"]
    search_fields = ["serial_key__startswith"]
    search_help_text = _("Serial number, without dashes or spaces")
    show_full_result_count = False
