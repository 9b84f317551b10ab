"""Admin base classes: a queue sorted by due date, and a page for each of its rows with the actions on it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Func, Model, Q, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cases import services
from cases.admin.actions import CaseAction, Notice
from cases.models import Case
from cases.refusals import Refusal
from notifications.models import Message
from orders.admin import ReadOnlyMixin
from orders.admin_cells import minute
from orders.admin_tabs import LinkTab
from orders.http import tell_about_card_number
from orders.models import normalize_order_number

DAY = timedelta(days=1)
NO_LONGER_AVAILABLE = _("This is no longer possible because the request has changed. Check its history.")


class DefaultChoiceFilter(admin.SimpleListFilter):
    """A list filter that applies its first option by default.

    While staff search, the default is `unfiltered_value` instead, so that a search looks at all rows.
    """

    options: ClassVar[tuple[tuple[str, Any], ...]]
    unfiltered_value: ClassVar[str]  # the option that filters nothing

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self._is_search = bool(request.GET.get(SEARCH_VAR, "").strip())
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(value, str(title)) for value, title in self.options]

    @property
    def selected_value(self) -> str:
        values = [value for value, _title in self.options]
        default = self.unfiltered_value if self._is_search else values[0]
        value = self.value()
        return value if value in values else default

    def choices(self, changelist: Any) -> Any:
        for value, title in self.lookup_choices:
            yield {
                "selected": self.selected_value == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }


class ToDoFilter(DefaultChoiceFilter):
    """Open cases by default; other subsets and all cases on demand."""

    title = _("to do")
    parameter_name = "todo"
    unfiltered_value = "all"
    template = "cases/admin/_no_filter.html"  # the tabs above the list offer its options
    options: ClassVar[tuple[tuple[str, Any], ...]] = (
        ("open", _("Open")),
        ("waiting", _("Due")),
        ("overdue", _("Overdue")),
        ("today", _("Due within a day")),
        ("mine", _("Mine")),
        ("unassigned", _("Unassigned")),
        ("buyer", _("Waiting for buyer")),
        ("snoozed", _("Snoozed")),
        ("all", _("All")),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return VIEWS[self.selected_value](queryset, request.user)


class TagFilter(admin.SimpleListFilter):
    """Cases with one tag. Offers the tags of open cases."""

    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        cases: Any = model_admin.model._default_manager
        used = cases.open().order_by().values_list(Func("tags", function="unnest"), flat=True).distinct()
        return [(tag, tag) for tag in sorted({*used, *filter(None, [request.GET.get(self.parameter_name)])})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        tag = (self.value() or "").replace("\x00", "")
        return queryset.filter(tags__contains=[tag]) if tag else queryset


# The saved views of a queue: the options of ToDoFilter.
VIEWS: dict[str, Callable[[Any, Any], Any]] = {
    "open": lambda cases, user: cases.open(),
    "waiting": lambda cases, user: cases.waiting_for_support(),
    "overdue": lambda cases, user: cases.waiting_for_support().filter(due_at__lt=timezone.now()),
    "today": lambda cases, user: cases.waiting_for_support().filter(due_at__lt=timezone.now() + DAY),
    "mine": lambda cases, user: cases.open().filter(assigned_to=user),
    "unassigned": lambda cases, user: cases.waiting_for_support().filter(assigned_to=None),
    "buyer": lambda cases, user: cases.waiting_for_buyer(),
    "snoozed": lambda cases, user: cases.snoozed(),
    "second": lambda cases, user: cases.waiting_for_second_approval(),  # of a DecidedCase
    "all": lambda cases, user: cases,
}
UNCOUNTED = ("all",)  # grows without end


class QueueAdmin(ReadOnlyMixin, ModelAdmin):
    """A work list with a page for each row. The pages are read-only; changes go through services, by POST."""

    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for _title, options in self.fieldsets or () for name in options["fields"]]

    @property
    def change_permission(self) -> str:
        return f"{self.model._meta.app_label}.change_{self.model._meta.model_name}"

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether the user may act on rows of this queue: Django's change permission of the model."""
        return bool(request.user.has_perm(self.change_permission))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Add `get_page_context` to the page; `extra_context` overrides it."""
        obj = self.get_object(request, object_id)
        context = {}
        if obj is not None and IS_POPUP_VAR not in request.GET:
            context = self.get_page_context(request, obj)
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def get_page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return additional context for the page of `obj`."""
        raise NotImplementedError

    def render_change_page(self, request: HttpRequest, pk: int, **context: Any) -> HttpResponse:
        """Render the page in response to a POST, without a redirect.

        For bound forms, and for secrets: a Django message would be stored in a cookie.
        """
        request.method = "GET"
        return self.change_view(request, str(pk), extra_context=context)

    def change_url(self, obj: Model) -> str:
        opts = self.model._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[obj.pk])


SHORTCUTS = {"decline": "d", "ask": "q", "take": "t", "snooze": "s", "note": "n", "close": "c"}


def _shortcuts(actions: Sequence[CaseAction]) -> list[tuple[str, CaseAction]]:
    """The keys that open actions of a case's page: "a" for the primary one, and SHORTCUTS."""
    primary = [("a", action) for action in actions if action.is_primary][:1]
    return primary + [(SHORTCUTS[action.name], action) for action in actions if action.name in SHORTCUTS]


class CaseAdmin(QueueAdmin):
    """A queue of cases. Subclasses set `case_actions`."""

    case_actions: ClassVar[tuple[CaseAction, ...]] = ()
    list_before_template = "cases/admin/_views.html"
    actions: Any = ["take_all"]
    ordering = ["due_at", "pk"]
    list_filter: Any = [ToDoFilter, "status", TagFilter]
    search_fields = ["reference"]  # makes Django show the search box; `get_search_results` searches
    search_help_text = _("Reference, order number, email address, or serial number")

    # --- The list ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the saved views, with how many cases each has, as tabs."""
        return super().changelist_view(request, {"views": self._views(request)} | (extra_context or {}))

    def _views(self, request: HttpRequest) -> list[LinkTab]:
        todo: Any = next(each for each in self.list_filter if isinstance(each, type) and issubclass(each, ToDoFilter))
        names = [name for name, _label in todo.options]
        counted = [name for name in names if name not in UNCOUNTED]
        cases = self.model._default_manager.order_by()
        counts = [
            VIEWS[name](cases, request.user).values(view=Value(name)).annotate(rows=Count("pk")) for name in counted
        ]
        rows = {row["view"]: row["rows"] for row in counts[0].union(*counts[1:], all=True)}
        wanted = request.GET.get(todo.parameter_name, "")
        is_search = bool(request.GET.get(SEARCH_VAR, "").strip())
        default = todo.unfiltered_value if is_search else names[0]
        current = wanted if wanted in names else default
        return [
            LinkTab(
                label,
                f"?{urlencode({todo.parameter_name: name})}",
                name == current,
                rows.get(name, 0) if name in counted else None,
            )
            for name, label in todo.options
        ]

    @admin.action(description=_("Assign selected cases to me"), permissions=["decide"])
    def take_all(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        assert isinstance(request.user, User)
        cases = list(queryset)
        for case in cases:
            services.assign(case, request.user, request.user)
        sentence = ngettext("%(count)d case assigned to you.", "%(count)d cases assigned to you.", len(cases))
        messages.success(request, sentence % {"count": len(cases)})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        query = Q(reference__istartswith=term) | self.address_query(term)
        if number := normalize_order_number(term):
            query |= Q(order__number_key=number)
        return queryset.filter(query | self.extra_search_query(request, term)), False

    def address_query(self, address: str) -> Q:
        """Match cases of this email address."""
        raise NotImplementedError

    def extra_search_query(self, request: HttpRequest, term: str) -> Q:
        """Match cases by other criteria of this queue; none by default."""
        return Q(pk__in=[])

    @display(description=_("status"), label=True)
    def state(self, case: Any) -> str:
        return str(case.get_status_display())

    @display(description=_("tags"))
    def tag_list(self, case: Case) -> str:
        return ", ".join(case.tags)

    @display(description=_("waiting since"), ordering="created_at")
    def age(self, case: Case) -> str:
        days = (timezone.now() - case.created_at).days
        return gettext("%(days)d d") % {"days": days} if days else gettext("today")

    @display(description=_("reply due"), ordering="due_at", label={"overdue": "danger"})
    def due(self, case: Case) -> tuple[str, str] | str:
        if not case.is_undecided:
            return "–"
        if case.paused_at is not None:
            return gettext("after the buyer answers")
        due_at = minute(case.due_at)
        return ("overdue", f"{due_at} !") if case.is_overdue(timezone.now()) else due_at

    # --- One case ---

    def available_actions(self, case: Any) -> list[CaseAction]:
        """Return the actions that the page offers."""
        return [action for action in self.case_actions if case.status in action.statuses]

    def acceptable_actions(self, case: Any) -> Sequence[CaseAction]:
        """Return the actions that a POST may use.

        More than the page offers: if the status has changed since the page was loaded, the service refuses with an
        explanation.
        """
        return self.case_actions

    def get_page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        order = obj.about_order
        if order is not None:
            timezone.activate(order.store.tzinfo)  # until the end of the request; see desk/middleware.py
        actions = [action for action in self.available_actions(obj) if self.may_run(request, action)]
        opts = self.model._meta
        return {
            "case": obj,
            "snoozed_until": obj.snoozed_until if obj.is_snoozed(timezone.now()) else None,
            "action_forms": [(action, action.form(obj)) for action in actions],
            "shortcuts": _shortcuts(actions),
            "decide_url": reverse(f"admin:{opts.app_label}_{opts.model_name}_decide", args=[obj.pk]),
            "order": order,
            "emails": self.get_emails(obj) if request.user.has_perm("notifications.view_message") else None,
        }

    def get_emails(self, case: Any) -> list[Message]:
        """Return the emails that the page of a case lists, newest first."""
        order = case.about_order
        return list(Message.objects.about_order(order.pk).order_by("-created_at")) if order else []

    def may_run(self, request: HttpRequest, action: CaseAction) -> bool:
        return bool(request.user.has_perm(action.permission or self.change_permission))

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_decide"
        return [path("<int:pk>/decide/", self.admin_site.admin_view(self.decide), name=name), *super().get_urls()]

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run one action, by POST. If the service refuses, nothing has changed and the form keeps its input."""
        case = self.get_queryset(request).filter(pk=pk).first()
        if not self.has_view_permission(request, case):
            raise PermissionDenied
        if case is None:
            raise Http404
        page = self.change_url(case)
        if request.method != "POST":
            return HttpResponseRedirect(page)
        if not any(self.may_run(request, each) for each in self.case_actions):
            raise PermissionDenied
        name = request.POST.get("action", "")
        action = next((each for each in self.acceptable_actions(case) if each.name == name), None)
        if action is not None and not self.may_run(request, action):
            raise PermissionDenied
        if action is None:
            messages.error(request, str(NO_LONGER_AVAILABLE) if name else gettext("Choose an action."))
            return HttpResponseRedirect(page)
        form = action.form(case, request.POST)
        is_valid = form.is_valid()
        tell_about_card_number(request, form)
        if not is_valid:
            error = gettext("Check your entries. Nothing was changed.")
            return self._render_error(request, case, action, form, error)
        assert isinstance(request.user, User)
        try:
            result = action.run(case, request.user, form.cleaned_data)
        except Refusal as refusal:
            return self._render_error(request, case, action, form, str(refusal))
        self.log_change(request, case, f"{action.label}")
        if isinstance(result, str):
            return self.render_change_page(request, case.pk, result=result)
        if isinstance(result, Notice):
            messages.warning(request, f"{case}: {result.sentence}")
        else:
            messages.success(request, gettext("%(reference)s: saved.") % {"reference": case})
        return HttpResponseRedirect(self._next_url(request, case) if "next" in request.POST else page)

    def _next_url(self, request: HttpRequest, case: Any) -> str:
        """The page of the case that is due next, of those that are assigned to the user or to nobody; else the list."""
        free = Q(assigned_to=None) | Q(assigned_to=request.user)
        following = self.get_next_cases(request).filter(free).exclude(pk=case.pk).oldest_first().first()
        if following is not None:
            return self.change_url(following)
        messages.info(request, gettext("Nothing else waits for you here."))
        opts = self.model._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")

    def get_next_cases(self, request: HttpRequest) -> Any:
        """The cases on which the user can decide next."""
        cases: Any = self.model._default_manager
        return cases.waiting_for_support()

    def _render_error(self, request: HttpRequest, case: Any, action: CaseAction, form: Any, error: str) -> HttpResponse:
        """Render the current page, with the submitted form in place of the action's empty one."""
        messages.error(request, error)
        context = self.get_page_context(request, self.get_queryset(request).get(pk=case.pk))
        action_forms = [
            (each, self.get_bound_form(form, each, case) if each.name == action.name else empty_form)
            for each, empty_form in context["action_forms"]
        ]
        return self.render_change_page(request, case.pk, action_forms=action_forms)

    def get_bound_form(self, form: Any, action: CaseAction, case: Any) -> Any:
        """Return the submitted form for the page that shows it again. A hook for subclasses."""
        return form
