"""The admin of help articles and their versions: drafts, preview, publication, withdrawal and votes."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from cases.refusals import Refusal
from support.models import Article, ArticleVersion
from support.models.articles import Topic
from support.services import publishing


def was_published(version: Model | None) -> bool:
    """Whether the version has been published. Such a version can no longer be changed."""
    return (
        isinstance(version, ArticleVersion) and version.publish_at is not None and version.publish_at <= timezone.now()
    )


class VersionInline(TabularInline):
    """The versions of an article, read-only."""

    model = ArticleVersion
    fields = readonly_fields = ["language", "title", "publish_at", "is_withdrawal", "created_at", "created_by"]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ArticleForm(forms.ModelForm):
    topics = forms.MultipleChoiceField(
        label=_("topics"), choices=Topic, required=False, widget=forms.CheckboxSelectMultiple
    )


@admin.register(Article)
class ArticleAdmin(ModelAdmin):
    form = ArticleForm
    list_display = ["slug", "topic_names", "position", "helped", "did_not_help"]
    search_fields = ["slug", "versions__title"]
    ordering = ["position", "slug"]  # a query with grouping doesn't use the model's ordering
    autocomplete_fields = ["products"]
    fields = ["slug", "topics", "products", "applies_to", "position"]
    inlines = [VersionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        votes_yes = Count("versions__votes", filter=Q(versions__votes__helped=True))
        votes_no = Count("versions__votes", filter=Q(versions__votes__helped=False))
        return super().get_queryset(request).annotate(votes_yes=votes_yes, votes_no=votes_no)

    @admin.display(description=_("topics"))
    def topic_names(self, article: Article) -> str:
        return ", ".join(str(Topic(topic).label) for topic in article.topics if topic in Topic)

    @admin.display(description=_("helped"), ordering="votes_yes")
    def helped(self, article: Any) -> int:
        return int(article.votes_yes)

    @admin.display(description=_("didn’t help"), ordering="votes_no")
    def did_not_help(self, article: Any) -> int:
        return int(article.votes_no)


class VersionForm(forms.ModelForm):
    language = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)


@admin.register(ArticleVersion)
class ArticleVersionAdmin(ModelAdmin):
    """Drafts are edited here. A published version is read-only; an action copies it to a new draft."""

    form = VersionForm
    list_display = ["title", "article", "language", "state", "publish_at", "created_by", "preview"]
    list_filter = ["language", "article__topics"]
    list_select_related = ["article", "created_by"]
    search_fields = ["title", "keywords", "body", "article__slug"]
    autocomplete_fields = ["article"]
    fields = ["article", "language", "title", "summary", "keywords", "body", "publish_at", "preview"]
    readonly_fields = ["preview"]
    ordering = ["article__position", "article__slug", "language", "-created_at"]
    actions = ["copy_to_draft", "withdraw"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not was_published(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and not was_published(obj)

    def save_model(self, request: HttpRequest, obj: ArticleVersion, form: Any, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=_("state"))
    def state(self, version: ArticleVersion) -> str:
        if version.is_withdrawal:
            return str(_("withdrawal"))
        if version.publish_at is None:
            return str(_("draft"))
        return str(_("published") if was_published(version) else _("scheduled"))

    @admin.display(description=_("preview"))
    def preview(self, version: ArticleVersion) -> str:
        if version.pk is None:
            return str(_("Save first to see a preview."))
        return format_html(
            '<a class="text-primary-600" href="{}">{}</a>',
            reverse("support:article_preview", args=[version.pk]),
            _("Preview"),
        )

    @admin.action(description=_("Copy to new draft"), permissions=["add"])
    def copy_to_draft(self, request: HttpRequest, queryset: QuerySet[ArticleVersion]) -> None:
        assert isinstance(request.user, User)
        copied = [publishing.copy_to_draft(version, request.user) for version in queryset.filter(is_withdrawal=False)]
        for draft in copied:
            self.log_addition(request, draft, gettext("Copied to new draft"))
        message = ngettext("%(count)s draft was made.", "%(count)s drafts were made.", len(copied))
        messages.success(request, message % {"count": len(copied)})

    @admin.action(description=_("Unpublish"), permissions=["add"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[ArticleVersion]) -> None:
        assert isinstance(request.user, User)
        count = 0
        for version in queryset:
            try:
                publishing.withdraw(version, request.user, timezone.now())
                self.log_change(request, version, gettext("Unpublished"))
                count += 1
            except Refusal as refusal:
                messages.warning(request, f"{version}: {refusal}")
        if count:
            message = ngettext("%(count)s article was withdrawn.", "%(count)s articles were withdrawn.", count)
            messages.success(request, message % {"count": count})
