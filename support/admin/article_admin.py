"""The admin of help articles and the history of their versions. Texts are written in support/admin/text_pages.py."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from cases.refusals import Refusal
from orders.admin_cells import link
from support.admin.text_pages import TextPagesMixin
from support.article_texts import TextState, find_states, with_version_list
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
    fields = readonly_fields = ["language", "title", "state", "publish_at", "created_at", "created_by"]
    ordering = ["language", "-created_at"]
    extra = 0
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[ArticleVersion]:
        return super().get_queryset(request).defer("search", "body", "summary", "keywords").select_related("created_by")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=_("state"))
    def state(self, version: ArticleVersion) -> str:
        return state_of(version)


def state_of(version: ArticleVersion) -> str:
    """What became of a version, for lists."""
    if version.is_withdrawal:
        return str(_("withdrawal"))
    if version.discarded_at is not None:
        return str(_("earlier draft"))
    if version.publish_at is None:
        return str(_("draft"))
    return str(_("published") if was_published(version) else _("scheduled"))


class ArticleForm(forms.ModelForm):
    topics = forms.MultipleChoiceField(
        label=_("topics"), choices=Topic, required=False, widget=forms.CheckboxSelectMultiple
    )


@admin.register(Article)
class ArticleAdmin(TextPagesMixin, ModelAdmin):
    form = ArticleForm
    list_display = ["slug", "texts_link", "topic_names", "position", "helped", "did_not_help"]
    actions_detail = ["edit_texts"]
    search_fields = ["slug", "versions__title"]
    ordering = ["position", "slug"]  # a query with grouping doesn't use the model's ordering
    autocomplete_fields = ["products"]
    fields = ["slug", "topics", "products", "applies_to", "position"]
    inlines = [VersionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        votes_yes = Count("versions__votes", filter=Q(versions__votes__helped=True))
        votes_no = Count("versions__votes", filter=Q(versions__votes__helped=False))
        return super().get_queryset(request).annotate(votes_yes=votes_yes, votes_no=votes_no)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.result_list = with_version_list(changelist.result_list)
        return changelist

    def has_view_texts_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("support.view_articleversion"))

    @action(description=_("Texts"), permissions=["view_texts"], icon="translate")
    def edit_texts(self, request: HttpRequest, object_id: str) -> HttpResponse:
        article = self.get_object(request, object_id)
        if article is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:support_article_texts", args=[article.pk]))

    def response_add(self, request: HttpRequest, obj: Article, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the texts of the new article."""
        is_saved_only = "_addanother" not in request.POST and "_popup" not in request.POST
        if is_saved_only and self.has_view_texts_permission(request):
            return HttpResponseRedirect(reverse("admin:support_article_texts", args=[obj.pk]))
        return super().response_add(request, obj, post_url_continue)

    @admin.display(description=_("texts"))
    def texts_link(self, article: Article) -> str:
        """The languages with a text, and what isn't published of them."""
        states = find_states(article.versions.all(), timezone.now())
        words = [
            code if each.state == TextState.PUBLISHED else f"{code} ({each.state.label})"
            for code, each in states.items()
        ]
        url = reverse("admin:support_article_texts", args=[article.pk])
        return link(url, ", ".join(words))

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
    """The history of all texts, read-only. An action copies an earlier version to a new draft."""

    form = VersionForm
    list_display = ["title", "article", "language", "state", "publish_at", "created_by", "texts", "preview"]
    list_filter = ["language", "article__topics"]
    list_select_related = ["article", "created_by"]
    search_fields = ["title", "keywords", "body", "article__slug"]
    autocomplete_fields = ["article"]
    fields = ["article", "language", "title", "summary", "keywords", "body", "publish_at", "texts", "preview"]
    readonly_fields = ["texts", "preview"]
    ordering = ["article__position", "article__slug", "language", "-created_at"]
    actions = ["copy_to_draft", "withdraw"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a new text is a new version; see support/article_texts.py

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and not was_published(obj)

    def save_model(self, request: HttpRequest, obj: ArticleVersion, form: Any, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=_("state"))
    def state(self, version: ArticleVersion) -> str:
        return state_of(version)

    @admin.display(description=_("texts"))
    def texts(self, version: ArticleVersion) -> str:
        if version.article_id is None:
            return "–"
        url = reverse("admin:support_article_texts", args=[version.article_id])
        return link(url, _("All languages"))

    @admin.display(description=_("preview"))
    def preview(self, version: ArticleVersion) -> str:
        if version.pk is None:
            return str(_("Save first to see a preview."))
        return link(reverse("support:article_preview", args=[version.pk]), _("Preview"))

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
