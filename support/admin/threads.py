"""The admin of threads: the queue by due date, and a page per thread with its history and actions."""

from datetime import date, datetime, time
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.admin.actions import CaseAction
from cases.admin.queues import DAY, CaseAdmin, ToDoFilter
from notifications.addresses import email_key
from notifications.models import Message
from support.admin import actions, claims
from support.emails import KINDS_ABOUT_MESSAGES
from support.models import AnswerTemplate, Thread, ThreadMessage
from support.services.threads import is_suspect

MAX_OTHER_THREADS = 20
# Actions whose text can be filled in from an answer template.
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
    list_filter = [WaitingFilter, "kind", "store", AnsweredOnFilter]
    search_help_text = _("Reference, email address, or order number")
    fieldsets = [
        (None, {"fields": ["reference", "kind", "state", "subject", "email", "assigned_to", "created_at", "due"]})
    ]
    change_form_outer_after_template = "support/admin/thread.html"
    case_actions = (*actions.ACTIONS, *actions.CLAIM_ACTIONS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Thread]:
        return super().get_queryset(request).select_related("assigned_to", "store", "order__store", "charge_claim")

    def address_query(self, address: str) -> Q:
        return Q(email_key=email_key(address), email_key__gt="")

    def available_actions(self, case: Thread) -> list[CaseAction]:
        return actions.possible_actions(case)

    def acceptable_actions(self, case: Thread) -> list[CaseAction]:
        return self.available_actions(case)

    def get_page_context(self, request: HttpRequest, obj: Thread) -> dict[str, Any]:
        context = super().get_page_context(request, obj)
        action_forms = context["action_forms"]
        templates = AnswerTemplate.objects.order_by("name", "language")
        templates = templates if action_forms else templates.none()
        chosen = next((each for each in templates if str(each.pk) == request.GET.get("template")), None)
        for each, form in action_forms:
            if chosen is not None and each.name in TEMPLATE_ACTIONS:
                form.initial["text"] = chosen.render(obj)
        history = obj.events.select_related("by").prefetch_related("files__upload")
        thread_messages = list(history.order_by("-at", "-pk"))
        return context | {
            "templates": sorted(templates, key=lambda each: each.language != obj.language),
            "chosen": chosen,
            "is_suspect": is_suspect(obj),
            "thread_messages": thread_messages,
            "last_message_id": next((each.pk for each in thread_messages if not each.is_internal), ""),
            "other_threads": list(_other_threads(obj)),
            "claim": claims.claim_context(obj, with_candidates=bool(action_forms)),
        }

    def get_emails(self, case: Thread) -> list[Message]:
        message_ids = list(case.events.values_list("pk", flat=True))
        return list(_emails(case, message_ids))

    def get_bound_form(self, form: Any, action: CaseAction, case: Thread) -> Any:
        """Keep the typed values of a refused form, but mark the messages that are on the new page as read."""
        if "last_seen_id" in form.fields:
            form.data = form.data.copy()
            form.data[form.add_prefix("last_seen_id")] = action.form(case).fields["last_seen_id"].initial
        return form


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
