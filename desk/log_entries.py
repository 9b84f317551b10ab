"""The list of what staff did: Django's log of the admin, with each decision on a case. It can't be changed."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from desk.staff_names import staff_named
from orders.admin import ReadOnlyMixin
from orders.admin_cells import EMPTY, link


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyMixin, ModelAdmin):
    """Everyone who may view the list sees all rows. Object and text are shown to those who may view the object."""

    list_filter = ["action_flag"]
    list_select_related = ["user", "content_type"]
    ordering = ["-pk"]  # the sequence of time, too, and the only index that all rows have
    sortable_by: tuple[str, ...] = ()
    show_full_result_count = False
    paginator = InfinitePaginator  # counts nothing
    search_fields = ["user__username"]  # enables the search; see `get_search_results`
    search_help_text = _("Name of a staff member, object, or a word of the text")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["action_time", "user", "action_flag", "kind", *_cells(request, self.admin_site)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_list_display(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_list_display(request)

    def has_view_permission(self, request: HttpRequest, obj: LogEntry | None = None) -> bool:
        may_view = super().has_view_permission(request, obj)  # of the list
        return may_view and (obj is None or _may_view(request, self.admin_site, obj.content_type))

    @admin.display(description=_("kind"))
    def kind(self, entry: LogEntry) -> str:
        return capfirst(entry.content_type.name) if entry.content_type else EMPTY

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LogEntry], search_term: str
    ) -> tuple[QuerySet[LogEntry], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found = Q(user__username__iexact=term) | Q(user__in=staff_named(term))
        # What the viewer may not see isn't found by its content.
        visible = [each.pk for each in _content_types() if _may_view(request, self.admin_site, each)]
        content = Q(object_repr__icontains=term) | Q(change_message__icontains=term)
        return queryset.filter(found | Q(content_type__in=visible) & content), False


def _cells(request: HttpRequest, site: admin.AdminSite) -> list[Callable[[LogEntry], str | SafeString]]:
    """Return the columns that depend on what the viewer may see."""

    @admin.display(description=_("object"))
    def shown_object(entry: LogEntry) -> str | SafeString:
        if not _may_view(request, site, entry.content_type):
            return EMPTY
        url = _url(entry)
        return link(url, entry.object_repr) if url else entry.object_repr

    @admin.display(description=_("text"))
    def text(entry: LogEntry) -> str:
        return entry.get_change_message() if _may_view(request, site, entry.content_type) else EMPTY

    return [shown_object, text]


def _content_types() -> list[ContentType]:
    labels = [(model._meta.app_label, model._meta.model_name) for model in apps.get_models()]
    return [ContentType.objects.get_by_natural_key(app, str(model)) for app, model in labels]


def _may_view(request: HttpRequest, site: admin.AdminSite, kind: ContentType | None) -> bool:
    model = kind.model_class() if kind is not None else None
    if model is None:
        return False
    if site.is_registered(model):
        return site.get_model_admin(model).has_view_or_change_permission(request)
    return bool(request.user.is_superuser)


def _url(entry: LogEntry) -> str:
    """Return the page of the object. It may have been deleted: then the admin says so."""
    if entry.is_deletion() or entry.content_type is None or not entry.object_id:
        return ""
    name = f"admin:{entry.content_type.app_label}_{entry.content_type.model}_change"
    try:
        return reverse(name, args=[entry.object_id])
    except NoReverseMatch:
        return ""
