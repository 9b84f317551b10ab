"""Admin of the status words that staff have to explain."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from intake.models import StatusMeaning


@admin.register(StatusMeaning)
class StatusMeaningAdmin(ModelAdmin):
    """Status words that no feed knows. A row without a meaning needs an answer from staff."""

    list_display = ["word", "store", "format", "meaning", "asked_at"]
    list_editable = ["meaning"]
    list_filter = ["store", "format", "meaning"]
    fields = ["store", "format", "word", "meaning"]
    ordering = ["meaning", "store", "word"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatusMeaning]:
        return super().get_queryset(request).select_related("store")
