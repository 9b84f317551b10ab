"""The admin of answer templates."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from support.models import AnswerTemplate


@admin.register(AnswerTemplate)
class AnswerTemplateAdmin(ModelAdmin):
    list_display = ["name", "language"]
    list_filter = ["language"]
    search_fields = ["name", "text"]
