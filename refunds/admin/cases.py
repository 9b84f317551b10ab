"""A queue of cases by age and due date, and one page per case with everything in sight and its decisions."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from licenses.models import normalize_serial
from notifications.models import Message
from orders.admin import ReadOnly
from orders.models import Order, email_key, normalize_order_number
from refunds.admin.verbs import Verb
from refunds.models import Case, CashbackClaim, Return, Swap, Withdrawal
from refunds.refusals import Refusal

CASE_TYPES: tuple[type[Case], ...] = (Return, Withdrawal, Swap, CashbackClaim)
OTHERS_SHOWN = 20
DAY = timedelta(days=1)


class StandingFilter(admin.SimpleListFilter):
    """What is to be done is shown first; the rest on demand."""

    title = _("to do")
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("decide", str(_("to decide"))),
            ("overdue", str(_("overdue"))),
            ("today", str(_("due within a day"))),
            ("open", str(_("open"))),
            ("mine", str(_("open, that I worked on"))),
            ("all", str(_("all"))),
        ]

    def choices(self, changelist: Any) -> Any:
        for lookup, title in self.lookup_choices:
            yield {
                "selected": (self.value() or "open") == lookup,
                "query_string": changelist.get_query_string({self.parameter_name: lookup}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        wanted = self.value() or "open"
        if wanted == "decide":
            return queryset.undecided()  # type: ignore[attr-defined]
        if wanted == "overdue":
            return queryset.undecided().filter(due_at__lt=now)  # type: ignore[attr-defined]
        if wanted == "today":
            return queryset.undecided().filter(due_at__lt=now + DAY)  # type: ignore[attr-defined]
        if wanted == "mine":
            worked_on = queryset.model._default_manager.filter(events__by=request.user).values("pk").order_by()
            return queryset.open().filter(pk__in=worked_on)  # type: ignore[attr-defined]
        return queryset if wanted == "all" else queryset.open()  # type: ignore[attr-defined]


class CaseAdmin(ReadOnly, ModelAdmin):
    """Shows; what changes a case are its verbs, which call services. A sub-class names them."""

    verbs: ClassVar[tuple[Verb, ...]] = ()
    fieldsets: Any
    ordering = ["due_at", "pk"]
    list_filter = [StandingFilter, "status"]
    list_select_related: Any = True
    show_full_result_count = False
    search_fields = ["reference"]  # shows the field; `get_search_results` does the work
    search_help_text = _("Reference, order number, email address, or serial number")
    change_form_outer_after_template = "refunds/admin/case.html"
    order_path = "order"

    # --- The queue ---

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found = Q(reference__istartswith=term) | Q(order__email_key=email_key(term))
        if number := normalize_order_number(term):
            found |= Q(order__number_key=number)
        if serial := normalize_serial(term):
            found |= Q(
                order__in=Order.objects.filter(licensed_lines__license__serial_key=serial).values("pk").order_by()
            )
        return queryset.filter(found | self.more_found(term)), False

    def more_found(self, term: str) -> Q:
        """What else a word of staff finds in this queue."""
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
        written = case.due_at.strftime("%Y-%m-%d %H:%M")
        return ("overdue", f"{written} !") if case.due_at < timezone.now() else written

    # --- One case ---

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for _title, options in self.fieldsets for name in options["fields"]]

    def may_decide(self, request: HttpRequest) -> bool:
        opts = self.model._meta
        return bool(request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        case = self.get_object(request, object_id)
        shown = {}
        if case is not None and IS_POPUP_VAR not in request.GET:
            shown = self._about(request, case)
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)

    def _about(self, request: HttpRequest, case: Any, bound: dict[str, Any] | None = None) -> dict[str, Any]:
        order = case.about_order
        possible = [verb for verb in self.verbs if case.status in verb.statuses] if self.may_decide(request) else []
        return {
            "case": case,
            "decisions": [(verb, (bound or {}).get(verb.name) or verb.form(case)) for verb in possible],
            "decide_url": reverse(f"admin:refunds_{self.model._meta.model_name}_decide", args=[case.pk]),
            "history": list(case.events.select_related("by").order_by("-at", "-pk")),
            "order": order,
            "mails": list(Message.objects.about_order(order.pk).order_by("-created_at")) if order else [],
            "others": _others(case),
            "more": self.more_about(case),
        }

    def more_about(self, case: Any) -> SafeString:
        """What else this kind of case shows beside its decisions."""
        return SafeString("")

    def get_urls(self) -> list[URLPattern]:
        name = f"refunds_{self.model._meta.model_name}_decide"
        return [path("<int:pk>/decide/", self.admin_site.admin_view(self.decide), name=name), *super().get_urls()]

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One decision, by POST. What a service refuses is said, and nothing has changed."""
        case = self.model._default_manager.filter(pk=pk).first()
        if not self.has_view_permission(request, case):
            raise PermissionDenied
        if case is None:
            raise Http404
        page = admin_page(case)
        if request.method != "POST":
            return HttpResponseRedirect(page)
        if not self.may_decide(request):
            raise PermissionDenied
        verb = next((each for each in self.verbs if each.name == request.POST.get("verb")), None)
        if verb is None:
            messages.error(request, gettext("Please choose what to do."))
            return HttpResponseRedirect(page)
        form = verb.form(case, request.POST)
        if not form.is_valid():
            messages.error(request, gettext("Please check what you entered; nothing was done."))
            return self.changeform_view(
                request_as_get(request), str(pk), "", self._about(request, case, {verb.name: form})
            )
        assert isinstance(request.user, User)
        try:
            told = verb.run(case, request.user, form.cleaned_data)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(page)
        self.log_change(request, case, f"{verb.label}")
        if isinstance(told, str):
            # In the page itself: a message would travel through a cookie.
            about = self._about(request, case) | {"told": told}
            return self.changeform_view(request_as_get(request), str(pk), "", about)
        messages.success(request, gettext("%(reference)s: done.") % {"reference": case})
        return HttpResponseRedirect(page)


def request_as_get(request: HttpRequest) -> HttpRequest:
    """The same request as one that only looks: the page is shown again with what was typed."""
    request.method = "GET"
    return request


def admin_page(case: Any) -> str:
    return reverse(f"admin:refunds_{case._meta.model_name}_change", args=[case.pk])


def _others(case: Any) -> list[tuple[Case, str]]:
    """The buyer's other cases of every kind and their pages, by the address of the order or of the withdrawal."""
    key = email_key(case.recipient)
    if not case.recipient.strip():
        return []
    found: list[Case] = []
    for case_type in CASE_TYPES:
        same = Q(order__email_key=key)
        if case_type is Withdrawal:
            same |= Q(email__iexact=case.recipient.strip())
        cases = case_type.objects.filter(same).order_by("-created_at")
        found += [each for each in cases[:OTHERS_SHOWN] if each != case]
    newest_first = sorted(found, key=lambda each: each.created_at, reverse=True)
    return [(each, admin_page(each)) for each in newest_first]


def shown(template: str, **context: Any) -> SafeString:
    """A fragment of a case's page."""
    return mark_safe(render_to_string(f"refunds/admin/{template}", context))  # noqa: S308 (templates escape)
