"""The admin of answer templates, and the text field in which staff fill them in."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from orders.forms import MessageField
from support.answer_fields import FIELDS, unfilled_fields, unknown_fields
from support.models import AnswerTemplate, Thread

TEXT_ROWS = 8


class AnswerTemplateForm(forms.ModelForm):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if unknown := unknown_fields(text):
            raise ValidationError(
                _("These fields don’t exist: %(unknown)s. Use these: %(known)s."),
                params={"unknown": ", ".join(unknown)[:200], "known": ", ".join(f"{{{name}}}" for name in FIELDS)},
            )
        return text


@admin.register(AnswerTemplate)
class AnswerTemplateAdmin(ModelAdmin):
    form = AnswerTemplateForm
    list_display = ["name", "language", "about"]
    list_filter = ["language", "about"]
    search_fields = ["name", "text"]
    fields = ["name", "language", "about", "text", "known_fields"]
    readonly_fields = ["known_fields"]

    @admin.display(description=_("Fields"))
    def known_fields(self, template: AnswerTemplate) -> SafeString:
        return format_html_join(
            "", "<div><code>{{{}}}</code>: {}</div>", ((field.name, field.label) for field in FIELDS.values())
        )


class AnswerTextarea(UnfoldAdminTextareaWidget):
    """A text area with a choice of answer templates above it, if `offer` was called."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": TEXT_ROWS})
        self.choices: list[tuple[int, str]] = []
        self.url = ""

    def offer(self, templates: list[AnswerTemplate], thread: Thread, url: str) -> None:
        """Offer these templates. The button of the choice submits its form to `url`."""
        self.url = url
        self.choices = [(each.pk, _label(each, thread)) for each in templates]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        textarea = super().render(name, value, attrs, renderer)
        if not self.choices:
            return textarea
        context = {"textarea": textarea, "name": name, "choices": self.choices, "url": self.url}
        return render_to_string("support/admin/_answer_textarea.html", context)


def _label(template: AnswerTemplate, thread: Thread) -> str:
    """The name of a template, with its language if that isn't the buyer's."""
    if template.language == (thread.language or settings.LANGUAGE_CODE).partition("-")[0]:
        return template.name
    return f"{template.name} ({get_language_info(template.language)['name_translated']})"


class AnswerField(MessageField):
    """A message to the buyer. It is refused as long as it contains a field of a template that isn't filled in."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if unfilled := unfilled_fields(text):
            raise ValidationError(
                _("Replace or remove these fields before you send it: %(fields)s."),
                params={"fields": ", ".join(unfilled)},
            )
        return text
