"""Read-only admin of uploads, and of the record of their downloads."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from files.models import DownloadRecord, Upload


class ReadOnlyAdmin(ModelAdmin):
    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ["name", "media_type", "formatted_size", "uploaded_at", "keep_until", "download_link"]
    list_filter = ["media_type"]
    ordering = ["-uploaded_at"]
    search_fields = ["name", "sha256"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["name", "media_type", "formatted_size", "download_link"]}),
        (_("Retention"), {"fields": ["uploaded_at", "keep_until", "sha256"]}),
        (_("Downloads"), {"fields": ["downloads"]}),
    ]

    @admin.display(description=_("size"), ordering="size")
    def formatted_size(self, upload: Upload) -> str:
        return filesizeformat(upload.size)

    @admin.display(description=_("content"))
    def download_link(self, upload: Upload) -> str:
        return format_html(
            '<a class="underline" href="{}">{}</a>', reverse("files:download", args=[upload.pk]), gettext("Download")
        )

    @admin.display(description=_("latest downloads"))
    def downloads(self, upload: Upload) -> str:
        latest = DownloadRecord.objects.filter(upload_id=upload.pk).select_related("staff").order_by("-at")[:50]
        return "\n".join(str(record) for record in latest) or gettext("No downloads yet.")


@admin.register(DownloadRecord)
class DownloadRecordAdmin(ReadOnlyAdmin):
    list_display = ["at", "staff", "upload_id"]
    list_filter = ["staff"]
    ordering = ["-at"]
    search_fields = ["upload_id__exact", "staff__username"]
    show_full_result_count = False
