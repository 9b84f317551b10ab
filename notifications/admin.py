"""Admin of the outbox: read-only, with actions to retry emails; and of follow-ups and opt-outs."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from notifications import kinds, services
from notifications.addresses import email_key
from notifications.codes import read_code
from notifications.models import FollowUp, Message, OptOut


class OptOutForm(forms.ModelForm):
    """An address, stored as its key."""

    class Meta:
        model = OptOut
        fields = ["email_key"]

    def clean_email_key(self) -> str:
        typed = self.cleaned_data["email_key"]
        validate_email(typed.strip())
        if not (key := email_key(typed)):
            raise ValidationError(_("We can’t send email to this address. Check it for typing errors."))
        return key


class KindFilter(SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(name, str(kinds.label(name))) for name in kinds.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class LanguageFilter(SimpleListFilter):
    """The languages of the portal. Looking for all values would read millions of emails."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(code, str(name)) for code, name in settings.LANGUAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset.filter(language=self.value()) if self.value() else queryset


class DeliveryProblemFilter(SimpleListFilter):
    title = _("problems")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("delayed", str(_("failed, will be retried"))), ("failed", str(_("failed or bounced")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if self.value() == "delayed":
            return queryset.filter(status=Message.Status.WAITING, first_failed_at__isnull=False)
        if self.value() == "failed":
            return queryset.filter(status__in=[Message.Status.FAILED, Message.Status.BOUNCED])
        return queryset


@admin.register(Message)
class MessageAdmin(ModelAdmin):
    list_display = ["kind_label", "recipient", "status", "due_at", "sent_at", "attempts", "last_error"]
    list_filter = ["status", DeliveryProblemFilter, KindFilter, LanguageFilter]
    ordering = ["-id"]
    show_full_result_count = False  # counting millions of emails is slow
    search_fields = ["recipient"]  # enables the search; see `get_search_results`
    search_help_text = _("Email address, or the code of an email")
    actions = ["try_now", "send_failed_again"]
    fieldsets = [
        (None, {"fields": ["kind_label", "recipient", "language", "status", "last_error"]}),
        (_("Delivery"), {"fields": ["created_at", "due_at", "sent_at", "attempts", "first_failed_at", "priority"]}),
        (_("Identifiers"), {"fields": ["grouped_code", "message_id", "order_id", "object_id", "key"]}),
    ]

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, message: Message) -> str:
        return str(kinds.label(message.kind))

    @admin.display(description=_("code"))
    def grouped_code(self, message: Message) -> str:
        return message.grouped_code

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(recipient_key=email_key(term), recipient_key__gt="") | Q(code=read_code(term))), False

    @admin.action(description=_("Send waiting emails now"), permissions=["deliver"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._record(request, queryset.filter(status=Message.Status.WAITING), gettext("Sent without waiting"))
        count = services.deliver_now(Message.objects.filter(pk__in=queryset))
        self.message_user(
            request,
            ngettext("Sending %(count)s email now.", "Sending %(count)s emails now.", count) % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )

    @admin.action(description=_("Send failed emails again"), permissions=["deliver"])
    def send_failed_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._record(request, queryset.filter(status=Message.Status.FAILED), gettext("Sent again"))
        count = services.retry_failed(Message.objects.filter(pk__in=queryset))
        self.message_user(
            request,
            ngettext("Sending %(count)s failed email again.", "Sending %(count)s failed emails again.", count)
            % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )

    def _record(self, request: HttpRequest, rows: QuerySet[Message], text: str) -> None:
        """Write in Django's log what is done with these rows."""
        assert isinstance(request.user, User)
        if chosen := list(rows):
            LogEntry.objects.log_actions(request.user.pk, chosen, CHANGE, text)

    def has_deliver_permission(self, request: HttpRequest) -> bool:
        """The permission that the actions require, beyond viewing."""
        return request.user.has_perm("notifications.change_message")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(FollowUp)
class FollowUpAdmin(ModelAdmin):
    """Read-only."""

    list_display = ["kind_label", "recipient", "status", "due_at", "closes_at", "settled_at", "failed_at"]
    list_filter = ["status", KindFilter, ("failed_at", admin.EmptyFieldListFilter), "due_at"]
    ordering = ["-due_at"]
    show_full_result_count = False
    search_fields = ["recipient_key__exact"]

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, follow_up: FollowUp) -> str:
        return str(kinds.label(follow_up.kind))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(OptOut)
class OptOutAdmin(ModelAdmin):
    """Staff can opt someone out of follow-ups, and back in by deleting the row."""

    list_display = ["email_key", "source", "since"]
    list_filter = ["source"]
    search_fields = ["email_key"]
    fields = ["email_key"]
    ordering = ["-since"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **{"form": OptOutForm} | kwargs)

    def save_model(self, request: HttpRequest, obj: OptOut, form: Any, change: bool) -> None:
        obj.source = OptOut.Source.STAFF
        super().save_model(request, obj, form, change)
