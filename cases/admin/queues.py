"""Queues by due date, and one page per case with everything in sight and its actions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cases.admin.actions import CaseAction
from cases.models import Case
from cases.refusals import Refusal
from notifications.models import Message
from orders.admin import ReadOnlyMixin
from orders.models import normalize_order_number

DAY = timedelta(days=1)
NOT_ANY_MORE = _("This cannot be done any more. Please look at what happened meanwhile.")


class DefaultFilter(admin.SimpleListFilter):
    """A filter that is on by itself, with its first choice; never while staff search: it hides nothing they ask for."""

    offered: ClassVar[tuple[tuple[str, Any], ...]]
    everything: ClassVar[str]  # the choice that filters nothing

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self._searching = bool(request.GET.get(SEARCH_VAR, "").strip())
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(value, str(title)) for value, title in self.offered]

    @property
    def wanted(self) -> str:
        values = [value for value, _title in self.offered]
        default = self.everything if self._searching else values[0]
        value = self.value()
        return value if value in values else default

    def choices(self, changelist: Any) -> Any:
        for value, title in self.lookup_choices:
            yield {
                "selected": self.wanted == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }


class ToDoFilter(DefaultFilter):
    """What is to be done is shown first; the rest on demand."""

    title = _("to do")
    parameter_name = "todo"
    everything = "all"
    offered = (
        ("open", _("open")),
        ("waiting", _("waiting for support")),
        ("overdue", _("overdue")),
        ("today", _("due within a day")),
        ("mine", _("open, that I worked on")),
        ("all", _("all")),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        cases: Any = queryset
        now = timezone.now()
        if self.wanted == "waiting":
            return cases.waiting_for_support()
        if self.wanted == "overdue":
            return cases.waiting_for_support().filter(due_at__lt=now)
        if self.wanted == "today":
            return cases.waiting_for_support().filter(due_at__lt=now + DAY)
        if self.wanted == "mine":
            worked_on = queryset.model._default_manager.filter(events__by=request.user).values("pk").order_by()
            return cases.open().filter(pk__in=worked_on)
        return queryset if self.wanted == "all" else cases.open()


class QueueAdmin(ReadOnlyMixin, ModelAdmin):
    """A list of work, and a page for each piece of it. It shows; services change, called by what staff post."""

    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for _title, options in self.fieldsets or () for name in options["fields"]]

    def may_decide(self, request: HttpRequest) -> bool:
        opts = self.model._meta
        return bool(request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page with what `about` says; what the caller gives stands above that."""
        found = self.get_object(request, object_id)
        shown = {}
        if found is not None and IS_POPUP_VAR not in request.GET:
            shown = self.about(request, found)
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    def about(self, request: HttpRequest, found: Any) -> dict[str, Any]:
        """What the page shows beside the fields."""
        raise NotImplementedError

    def page_again(self, request: HttpRequest, pk: int, **shown: Any) -> HttpResponse:
        """The page after a post, with what was typed or is to be told once: a message would travel through a cookie."""
        request.method = "GET"
        return self.change_view(request, str(pk), extra_context=shown)

    def page_of(self, found: Model) -> str:
        opts = self.model._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[found.pk])


class CaseAdmin(QueueAdmin):
    """A queue of cases. A sub-class names its actions."""

    case_actions: ClassVar[tuple[CaseAction, ...]] = ()
    ordering = ["due_at", "pk"]
    list_filter: Any = [ToDoFilter, "status"]
    search_fields = ["reference"]  # shows the field; `get_search_results` does the work
    search_help_text = _("Reference, order number, email address, or serial number")

    # --- The queue ---

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found = Q(reference__istartswith=term) | self.with_address(term)
        if number := normalize_order_number(term):
            found |= Q(order__number_key=number)
        return queryset.filter(found | self.more_found(term)), False

    def with_address(self, address: str) -> Q:
        """Cases of this email address."""
        raise NotImplementedError

    def more_found(self, term: str) -> Q:
        """What else a search finds in this queue."""
        return Q(pk__in=[])

    @display(description=_("status"), label=True)
    def state(self, case: Any) -> str:
        return str(case.get_status_display())

    @display(description=_("waits since"), ordering="created_at")
    def age(self, case: Case) -> str:
        days = (timezone.now() - case.created_at).days
        return gettext("%(days)d d") % {"days": days} if days else gettext("today")

    @display(description=_("answer due"), ordering="due_at", label={"overdue": "danger"})
    def due(self, case: Case) -> tuple[str, str] | str:
        if not case.is_undecided:
            return "–"
        if case.paused_at is not None:
            return gettext("when the buyer has answered")
        written = case.due_at.strftime("%Y-%m-%d %H:%M")
        return ("overdue", f"{written} !") if case.is_overdue(timezone.now()) else written

    # --- One case ---

    def possible_actions(self, case: Any) -> list[CaseAction]:
        return [each for each in self.case_actions if case.status in each.statuses]

    def acceptable_actions(self, case: Any) -> Sequence[CaseAction]:
        """Those whose service is asked when they come late: it says best why not."""
        return self.case_actions

    def about(self, request: HttpRequest, found: Any) -> dict[str, Any]:
        possible = self.possible_actions(found) if self.may_decide(request) else []
        opts = self.model._meta
        order = found.about_order
        return {
            "case": found,
            "decisions": [(each, each.form(found)) for each in possible],
            "decide_url": reverse(f"admin:{opts.app_label}_{opts.model_name}_decide", args=[found.pk]),
            "order": order,
            "mails": list(Message.objects.about_order(order.pk).order_by("-created_at")) if order else [],
        }

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_decide"
        return [path("<int:pk>/decide/", self.admin_site.admin_view(self.decide), name=name), *super().get_urls()]

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One action, by POST. What a service refuses is said, nothing has changed, and what was typed is kept."""
        case = self.get_queryset(request).filter(pk=pk).first()
        if not self.has_view_permission(request, case):
            raise PermissionDenied
        if case is None:
            raise Http404
        page = self.page_of(case)
        if request.method != "POST":
            return HttpResponseRedirect(page)
        if not self.may_decide(request):
            raise PermissionDenied
        named = request.POST.get("action", "")
        action = next((each for each in self.acceptable_actions(case) if each.name == named), None)
        if action is None:
            messages.error(request, str(NOT_ANY_MORE) if named else gettext("Please choose what to do."))
            return HttpResponseRedirect(page)
        form = action.form(case, request.POST)
        if not form.is_valid():
            return self._again(request, case, action, form, gettext("Please check what you entered; nothing was done."))
        assert isinstance(request.user, User)
        try:
            told = action.run(case, request.user, form.cleaned_data)
        except Refusal as refusal:
            return self._again(request, case, action, form, str(refusal))
        self.log_change(request, case, f"{action.label}")
        if isinstance(told, str):
            return self.page_again(request, case.pk, told=told)
        messages.success(request, gettext("%(reference)s: done.") % {"reference": case})
        return HttpResponseRedirect(page)

    def _again(self, request: HttpRequest, case: Any, action: CaseAction, form: Any, words: str) -> HttpResponse:
        """The page as it is now, with what was typed: an answer is long, and never lost."""
        messages.error(request, words)
        shown = self.about(request, self.get_queryset(request).get(pk=case.pk))
        decisions = [
            (each, self.kept(form, each, case) if each.name == action.name else empty)
            for each, empty in shown["decisions"]
        ]
        return self.page_again(request, case.pk, decisions=decisions)

    def kept(self, form: Any, action: CaseAction, case: Any) -> Any:
        """The form that was sent, for the page that is shown again."""
        return form
