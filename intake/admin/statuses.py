"""Admin of the status words that staff are asked about."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from intake.models import StatusMeaning


@admin.register(StatusMeaning)
class StatusMeaningAdmin(ModelAdmin):
    """Words for a status that no feed knows. A row without a meaning is a question."""

    list_display = ["word", "store", "format", "meaning", "asked_at"]
    list_editable = ["meaning"]
    list_filter = ["store", "format", "meaning"]
    fields = ["store", "format", "word", "meaning"]
    ordering = ["meaning", "store", "word"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatusMeaning]:
        return super().get_queryset(request).select_related("store")
