"""The queue of threads by due date, and one page per thread with everything in sight and what can be done."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from notifications.models import Message
from orders.admin import ReadOnly
from orders.models import normalize_order_number
from refunds.admin.cases import request_as_get
from refunds.refusals import Refusal
from support.admin import claims, verbs
from support.mails import KINDS_ABOUT_MESSAGES
from support.models import AnswerTemplate, Thread

DAY = timedelta(days=1)
OTHERS_SHOWN = 20
# Verbs whose words to the buyer a template can begin.
FROM_TEMPLATE = ("answer", "ask", "close", "no_match")


class WaitingFilter(admin.SimpleListFilter):
    """What waits for support is shown first; the rest on demand."""

    title = _("to do")
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("waiting", str(_("waiting for support"))),
            ("overdue", str(_("overdue"))),
            ("today", str(_("due within a day"))),
            ("mine", str(_("assigned to me"))),
            ("open", str(_("open"))),
            ("all", str(_("all"))),
        ]

    def choices(self, changelist: Any) -> Any:
        for lookup, title in self.lookup_choices:
            yield {
                "selected": (self.value() or "waiting") == lookup,
                "query_string": changelist.get_query_string({self.parameter_name: lookup}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        wanted = self.value() or "waiting"
        if wanted == "open":
            return queryset.open()  # type: ignore[attr-defined]
        if wanted == "mine":
            return queryset.open().filter(assigned_to=request.user)  # type: ignore[attr-defined]
        if wanted == "all":
            return queryset
        waiting = queryset.waiting_for_support()  # type: ignore[attr-defined]
        if wanted == "overdue":
            return waiting.filter(due_at__lt=now)
        return waiting.filter(due_at__lt=now + DAY) if wanted == "today" else waiting


@admin.register(Thread)
class ThreadAdmin(ReadOnly, ModelAdmin):
    """Shows; what changes a thread are the verbs, which call services."""

    list_display = ["reference", "kind", "state", "age", "due", "subject", "email", "assigned_to", "store"]
    list_filter = [WaitingFilter, "kind", "store"]
    ordering = ["due_at", "pk"]
    show_full_result_count = False
    search_fields = ["reference"]  # shows the field; `get_search_results` does the work
    search_help_text = _("Reference, email address, or order number")
    fieldsets = [
        (None, {"fields": ["reference", "kind", "state", "subject", "email", "assigned_to", "created_at", "due"]})
    ]
    readonly_fields = ["reference", "kind", "state", "subject", "email", "assigned_to", "created_at", "due"]
    change_form_outer_after_template = "support/admin/thread.html"

    # --- The queue ---

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found = Q(reference__istartswith=term) | Q(email__iexact=term)
        if number := normalize_order_number(term):
            found |= Q(order__number_key=number)
        return queryset.filter(found), False

    @display(description=_("status"), label=True)
    def state(self, thread: Thread) -> str:
        return str(thread.get_status_display())

    @display(description=_("waits since"), ordering="created_at")
    def age(self, thread: Thread) -> str:
        days = (timezone.now() - thread.created_at).days
        return gettext("%(days)d d") % {"days": days} if days else gettext("today")

    @display(description=_("answer due"), ordering="due_at", label={"overdue": "danger"})
    def due(self, thread: Thread) -> tuple[str, str] | str:
        if thread.status != Thread.Status.WAITING:
            return "–"
        written = thread.due_at.strftime("%Y-%m-%d %H:%M")
        return ("overdue", f"{written} !") if thread.due_at < timezone.now() else written

    # --- One thread ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Thread]:
        return super().get_queryset(request).select_related("assigned_to", "store", "order__store", "charge_claim")

    def may_decide(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("support.change_thread"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        thread = self.get_object(request, object_id)
        shown = {}
        if thread is not None and IS_POPUP_VAR not in request.GET:
            shown = self._about(request, thread)
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)

    def _about(self, request: HttpRequest, thread: Thread, bound: dict[str, Any] | None = None) -> dict[str, Any]:
        forms = [(verb, (bound or {}).get(verb.name) or verb.form(thread)) for verb in self._possible(request, thread)]
        templates = AnswerTemplate.objects.order_by("name", "language") if forms else AnswerTemplate.objects.none()
        chosen = next((each for each in templates if str(each.pk) == request.GET.get("template")), None)
        for verb, form in forms:
            if chosen is not None and verb.name in FROM_TEMPLATE and not form.is_bound:
                form.initial["text"] = chosen.filled(thread)
        said = list(thread.messages.select_related("by").prefetch_related("files__upload").order_by("-at", "-pk"))
        order = thread.order
        return {
            "thread": thread,
            "forms": forms,
            "decide_url": reverse("admin:support_thread_decide", args=[thread.pk]),
            "templates": sorted(templates, key=lambda each: each.language != thread.language),
            "chosen": chosen,
            "said": said,
            "last_said": next((each.pk for each in said if not each.is_internal), ""),
            "order": order,
            "mails": list(_mails(thread, [each.pk for each in said])),
            "others": list(_others(thread)),
            "claim": claims.about(thread, with_candidates=bool(forms)),
        }

    def _possible(self, request: HttpRequest, thread: Thread) -> list[verbs.Verb]:
        return verbs.possible(thread) if self.may_decide(request) else []

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("<int:pk>/decide/", decide, name="support_thread_decide"), *super().get_urls()]

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One decision, by POST. What a service refuses is said, and nothing has changed."""
        thread = Thread.objects.filter(pk=pk).first()
        if not self.has_view_permission(request, thread):
            raise PermissionDenied
        if thread is None:
            raise Http404
        page = reverse("admin:support_thread_change", args=[pk])
        if request.method != "POST":
            return HttpResponseRedirect(page)
        if not self.may_decide(request):
            raise PermissionDenied
        verb = next((each for each in self._possible(request, thread) if each.name == request.POST.get("verb")), None)
        if verb is None:
            messages.error(request, gettext("This cannot be done any more. Please look at what happened meanwhile."))
            return HttpResponseRedirect(page)
        form = verb.form(thread, request.POST)
        if not form.is_valid():
            return self._again(request, thread, verb, form, gettext("Please check what you entered; nothing was done."))
        assert isinstance(request.user, User)
        try:
            verb.run(thread, request.user, form.cleaned_data)
        except Refusal as refusal:
            return self._again(request, thread, verb, form, str(refusal))
        self.log_change(request, thread, f"{verb.label}")
        messages.success(request, gettext("%(reference)s: done.") % {"reference": thread})
        return HttpResponseRedirect(page)

    def _again(self, request: HttpRequest, thread: Thread, verb: verbs.Verb, form: Any, words: str) -> HttpResponse:
        """The page as it is now, with what was typed: an answer is long, and never lost."""
        messages.error(request, words)
        if "seen" in form.fields:
            form.data = form.data.copy()
            form.data[form.add_prefix("seen")] = verb.form(thread).fields["seen"].initial
        shown = self._about(request, thread, {verb.name: form})
        return self.changeform_view(request_as_get(request), str(thread.pk), "", shown)


def _mails(thread: Thread, message_ids: list[int]) -> QuerySet[Message]:
    links = list(thread.links.values_list("pk", flat=True))
    about = Q(kind__in=KINDS_ABOUT_MESSAGES, object_id__in=message_ids) | Q(kind="thread_link", object_id__in=links)
    if thread.order_id is not None:
        about |= Q(order_id=thread.order_id)
    return Message.objects.filter(about).order_by("-created_at")


def _others(thread: Thread) -> QuerySet[Thread]:
    """What else came from this address."""
    same = Thread.objects.filter(email__iexact=thread.email).exclude(pk=thread.pk)
    return same.order_by("-created_at")[:OTHERS_SHOWN]
