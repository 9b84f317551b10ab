"""The admin of login records."""

from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin


class LoginRecordAdmin(ModelAdmin):
    """django-axes' records of login attempts. They can't be changed."""

    list_display = ["attempt_time", "username", "ip_address", "user_agent"]
    list_filter = ["attempt_time"]
    search_fields = ["username", "ip_address"]
    search_help_text = _("Username or the client’s IP address")
    ordering = ["-attempt_time"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AccessAttempt)
class FailedLoginAdmin(LoginRecordAdmin):
    list_display = [*LoginRecordAdmin.list_display, "failures_since_start"]
    fields = [*list_display, "path_info"]


@admin.register(AccessLog)
class LoginAdmin(LoginRecordAdmin):
    list_display = [*LoginRecordAdmin.list_display, "logout_time"]
    fields = [*list_display, "path_info"]
