"""The admin of threads: the queue by due date, and a page per thread with its history and actions."""

from datetime import date, datetime, time
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.admin.actions import CaseAction
from cases.admin.queues import DAY, CaseAdmin, TagFilter, ToDoFilter
from notifications.addresses import email_key
from notifications.models import Message
from support.admin import actions, claims
from support.answer_fields import fill_in, unfilled_fields
from support.emails import KINDS_ABOUT_MESSAGES
from support.models import AnswerTemplate, Thread, ThreadMessage
from support.services.threads import is_suspect

MAX_OTHER_THREADS = 20
# Actions that offer answer templates.
TEMPLATE_ACTIONS = ("answer", "ask", "close", "no_match")


class WaitingFilter(ToDoFilter):
    """Shows threads that wait for support by default. An answered thread is open but needs no action."""

    options = tuple(sorted(ToDoFilter.options, key=lambda option: option[0] != "waiting"))


class AnsweredOnFilter(admin.SimpleListFilter):
    """Threads that support answered or closed on one day, for the links of the reports."""

    title = _("answered or closed on")
    parameter_name = "answered_on"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        day = request.GET.get(self.parameter_name, "")
        return [(day, day)] if day else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        try:
            start = timezone.make_aware(datetime.combine(date.fromisoformat(self.value() or ""), time.min))
            end = start + DAY
        except (ValueError, OverflowError):  # there is no such day
            return queryset.none()
        answers = ThreadMessage.objects.decisive().filter(at__gte=start, at__lt=end)
        return queryset.filter(pk__in=answers.values("case"))


@admin.register(Thread)
class ThreadAdmin(CaseAdmin):
    list_display = ["reference", "kind", "state", "age", "due", "subject", "email", "assigned_to", "store"]
    list_filter = [WaitingFilter, "kind", "store", TagFilter, AnsweredOnFilter]
    search_help_text = _("Reference, email address, or order number")
    fieldsets = [
        (None, {"fields": ["reference", "kind", "state", "subject", "email", "assigned_to", "created_at", "due"]})
    ]
    change_form_outer_after_template = "support/admin/thread.html"
    case_actions = (*actions.ACTIONS, *actions.CLAIM_ACTIONS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Thread]:
        return (
            super()
            .get_queryset(request)
            .select_related("assigned_to", "store", "order__store", "charge_claim", "merged_into")
        )

    def address_query(self, address: str) -> Q:
        return Q(email_key=email_key(address), email_key__gt="")

    def available_actions(self, case: Thread) -> list[CaseAction]:
        return actions.possible_actions(case)

    def acceptable_actions(self, case: Thread) -> list[CaseAction]:
        return self.available_actions(case)

    def get_page_context(self, request: HttpRequest, obj: Thread) -> dict[str, Any]:
        context = super().get_page_context(request, obj)
        action_forms = context["action_forms"]
        templates = AnswerTemplate.objects.offered_for(obj) if action_forms else []
        for each, form in action_forms:
            _offer_templates(form, each, obj, templates)
        merged = ThreadMessage.objects.filter(Q(case=obj) | Q(case__merged_into=obj))
        history = merged.select_related("by", "case").prefetch_related("files__upload")
        thread_messages = list(history.order_by("-at", "-pk"))
        of_this_thread = [each for each in thread_messages if each.case_id == obj.pk]
        return context | {
            "is_suspect": is_suspect(obj),
            "thread_messages": thread_messages,
            "last_message_id": next((each.pk for each in of_this_thread if not each.is_internal), ""),
            "other_threads": list(_other_threads(obj)),
            "claim": claims.claim_context(obj, with_candidates=bool(action_forms)),
        }

    # --- Answer templates ---

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.insert_template)
        return [path("<int:pk>/template/", view, name="support_thread_template"), *super().get_urls()]

    def insert_template(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a filled-in template to the text that staff are writing, by POST. Nothing is sent or saved.

        Scripts get the template as JSON; without scripts, the page is shown again with everything that was typed.
        """
        if not self.has_decide_permission(request):
            raise PermissionDenied
        thread = self.get_queryset(request).filter(pk=pk).first()
        if thread is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(self.change_url(thread))
        name = request.POST.get("action", "")
        chosen_id = request.POST.get(f"{name}-text_template", "")
        templates = AnswerTemplate.objects.offered_for(thread)
        template = next((each for each in templates if str(each.pk) == chosen_id), None)
        assert isinstance(request.user, User)
        filled = fill_in(template.text, thread, request.user) if template is not None else ""
        if request.accepts("text/html"):
            return self._render_with_template(request, thread, name, filled)
        return JsonResponse({"text": filled, "unfilled": unfilled_fields(filled)})

    def _render_with_template(self, request: HttpRequest, thread: Thread, name: str, filled: str) -> HttpResponse:
        action = next((each for each in self.available_actions(thread) if each.name == name), None)
        if action is None or name not in TEMPLATE_ACTIONS:
            return HttpResponseRedirect(self.change_url(thread))
        typed = request.POST.get(f"{name}-text", "").strip()
        form = action.form(thread, request.POST.copy())
        form.set_value("text", "\n\n".join(part for part in (typed, filled) if part))
        if not filled:
            messages.error(request, gettext("Choose a template."))
        action_forms = [
            (each, self.get_bound_form(form, each, thread) if each.name == name else empty_form)
            for each, empty_form in self.get_page_context(request, thread)["action_forms"]
        ]
        return self.render_change_page(request, thread.pk, action_forms=action_forms)

    def get_emails(self, case: Thread) -> list[Message]:
        message_ids = list(case.events.values_list("pk", flat=True))
        return list(_emails(case, message_ids))

    def get_bound_form(self, form: Any, action: CaseAction, case: Thread) -> Any:
        """Keep the typed values of a refused form, but mark the messages that are on the new page as read."""
        _offer_templates(form, action, case, AnswerTemplate.objects.offered_for(case))
        if "last_seen_id" in form.fields:
            form.data = form.data.copy()
            form.data[form.add_prefix("last_seen_id")] = action.form(case).fields["last_seen_id"].initial
        return form


def _offer_templates(form: Any, action: CaseAction, thread: Thread, templates: list[AnswerTemplate]) -> None:
    if action.name in TEMPLATE_ACTIONS:
        url = reverse("admin:support_thread_template", args=[thread.pk])
        form.fields["text"].widget.offer(templates, thread, f"{url}#decide")


def _emails(thread: Thread, message_ids: list[int]) -> QuerySet[Message]:
    links = list(thread.links.values_list("pk", flat=True))
    condition = Q(kind__in=KINDS_ABOUT_MESSAGES, object_id__in=message_ids) | Q(kind="thread_link", object_id__in=links)
    if thread.order_id is not None:
        condition |= Q(order_id=thread.order_id)
    return Message.objects.filter(condition).order_by("-created_at")


def _other_threads(thread: Thread) -> QuerySet[Thread]:
    """The newest other threads from the same address."""
    same_address = Thread.objects.filter(email_key=thread.email_key, email_key__gt="").exclude(pk=thread.pk)
    return same_address.order_by("-created_at")[:MAX_OTHER_THREADS]
