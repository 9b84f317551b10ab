"""Admin of downloads, download windows and install guides."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from licenses.models import Download, DownloadWindow, InstallGuide
from orders.admin import ReadOnlyMixin


@admin.register(Download)
class DownloadAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["issued_at", "order", "release", "client", "started_at"]
    list_filter = ["release__product"]
    list_select_related = ["order", "release__product"]
    ordering = ["-issued_at"]
    search_fields = ["order__number_key__startswith"]
    show_full_result_count = False


@admin.register(DownloadWindow)
class DownloadWindowAdmin(ModelAdmin):
    list_display = ["store", "days"]
    list_select_related = ["store"]


@admin.register(InstallGuide)
class InstallGuideAdmin(ModelAdmin):
    list_display = ["title", "product", "platform", "version", "language"]
    list_filter = ["product", "platform", "language"]
    list_select_related = ["product"]
    search_fields = ["title", "body"]
