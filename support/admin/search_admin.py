"""The admin of search synonyms, and the list of searches that found nothing."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from orders.admin_cells import link
from support.models import FailedSearch, SearchSynonyms
from support.models.searches import MAX_PHRASE_LENGTH, MAX_PHRASES, normalize_phrases


class PhrasesField(forms.CharField):
    """Words or phrases with commas or line breaks between them. The cleaned value is a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        phrases = normalize_phrases(re.split(r"[,;\n]", super().clean(value)))
        if any(len(phrase) > MAX_PHRASE_LENGTH for phrase in phrases):
            raise ValidationError(
                _("Enter words or phrases of at most %(count)d characters."), params={"count": MAX_PHRASE_LENGTH}
            )
        return phrases


class SynonymsForm(forms.ModelForm):
    words = PhrasesField(
        label=_("words"),
        max_length=MAX_PHRASES * (MAX_PHRASE_LENGTH + 2),
        widget=UnfoldAdminTextareaWidget,
        help_text=_("Separate words or phrases with commas: scam, fraud, fake call."),
    )
    language = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)


@admin.register(SearchSynonyms)
class SearchSynonymsAdmin(ModelAdmin):
    form = SynonymsForm
    list_display = ["__str__", "language"]
    list_filter = ["language"]
    search_fields = ["words"]
    fields = ["language", "words"]


@admin.register(FailedSearch)
class FailedSearchAdmin(ModelAdmin):
    """Read-only. Staff can delete terms for which there is now an article."""

    list_display = ["term", "language", "count", "last_at", "add_synonyms"]
    list_filter = ["language"]
    search_fields = ["term"]
    ordering = ["-count", "-last_at"]
    fields = readonly_fields = ["term", "language", "count", "last_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("synonyms"))
    def add_synonyms(self, failed_search: FailedSearch) -> str:
        url = reverse("admin:support_searchsynonyms_add")
        query = urlencode({"language": failed_search.language, "words": failed_search.term})
        return link(f"{url}?{query}", _("Add synonyms"))
