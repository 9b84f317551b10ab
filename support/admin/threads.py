"""The queue of threads by due date, and one page per thread with everything in sight and its actions."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.admin.actions import CaseAction
from cases.admin.queues import CaseAdmin, ToDoFilter
from notifications.addresses import email_key
from notifications.models import Message
from support.admin import actions, claims
from support.emails import KINDS_ABOUT_MESSAGES
from support.models import AnswerTemplate, Thread

OTHERS_SHOWN = 20
# Actions whose words to the buyer a template can begin.
FROM_TEMPLATE = ("answer", "ask", "close", "no_match")


class WaitingFilter(ToDoFilter):
    """What waits for support is shown first: an answered thread is open, and asks for nothing."""

    options = (
        ("waiting", _("waiting for support")),
        ("overdue", _("overdue")),
        ("today", _("due within a day")),
        ("mine", _("assigned to me")),
        ("open", _("open")),
        ("all", _("all")),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.selected_value == "mine":
            threads: Any = queryset
            return threads.open().filter(assigned_to=request.user)
        return super().queryset(request, queryset)


@admin.register(Thread)
class ThreadAdmin(CaseAdmin):
    list_display = ["reference", "kind", "state", "age", "due", "subject", "email", "assigned_to", "store"]
    list_filter = [WaitingFilter, "kind", "store"]
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
        return actions.possible(case)

    def acceptable_actions(self, case: Thread) -> list[CaseAction]:
        return self.available_actions(case)

    def get_page_context(self, request: HttpRequest, obj: Thread) -> dict[str, Any]:
        shown = super().get_page_context(request, obj)
        action_forms = shown["action_forms"]
        templates = (
            AnswerTemplate.objects.order_by("name", "language") if action_forms else AnswerTemplate.objects.none()
        )
        chosen = next((each for each in templates if str(each.pk) == request.GET.get("template")), None)
        for each, form in action_forms:
            if chosen is not None and each.name in FROM_TEMPLATE:
                form.initial["text"] = chosen.filled(obj)
        said = list(obj.events.select_related("by").prefetch_related("files__upload").order_by("-at", "-pk"))
        return shown | {
            "templates": sorted(templates, key=lambda each: each.language != obj.language),
            "chosen": chosen,
            "said": said,
            "last_said": next((each.pk for each in said if not each.is_internal), ""),
            "emails": list(_mails(obj, [each.pk for each in said])),
            "others": list(_others(obj)),
            "claim": claims.about(obj, with_candidates=bool(action_forms)),
        }

    def get_bound_form(self, form: Any, action: CaseAction, case: Thread) -> Any:
        """What was typed, on a page that shows what was said meanwhile: whoever sends it again has read that."""
        if "seen" in form.fields:
            form.data = form.data.copy()
            form.data[form.add_prefix("seen")] = action.form(case).fields["seen"].initial
        return form


def _mails(thread: Thread, message_ids: list[int]) -> QuerySet[Message]:
    links = list(thread.links.values_list("pk", flat=True))
    about = Q(kind__in=KINDS_ABOUT_MESSAGES, object_id__in=message_ids) | Q(kind="thread_link", object_id__in=links)
    if thread.order_id is not None:
        about |= Q(order_id=thread.order_id)
    return Message.objects.filter(about).order_by("-created_at")


def _others(thread: Thread) -> QuerySet[Thread]:
    """What else came from this address."""
    same = Thread.objects.filter(email_key=thread.email_key, email_key__gt="").exclude(pk=thread.pk)
    return same.order_by("-created_at")[:OTHERS_SHOWN]
