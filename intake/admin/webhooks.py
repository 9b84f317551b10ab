"""Admin of webhooks: store events with their results, and the secrets that sign them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from cases.refusals import Refusal
from intake.models import StoreEvent, WebhookSecret
from intake.services.store_events import (
    add_secret,
    can_read_secret,
    count_refusals,
    decrypt_body,
    masked_text,
    retry_events,
)
from intake.webhooks.providers import PROVIDERS
from notifications.site import site_url
from orders import encryption
from orders.admin import ReadOnlyMixin

MASK = "••••••••"
Verdict = StoreEvent.Verdict


class WebhookSecretForm(forms.ModelForm):
    """The provider's secret, or nothing to generate one."""

    format = forms.ChoiceField(
        label=_("format"), choices=[(name, name) for name in PROVIDERS], widget=UnfoldAdminSelectWidget()
    )
    secret = forms.CharField(
        label=_("secret"),
        required=False,
        max_length=255,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "Shopify, Stripe, Paddle and 2Checkout show the secret: paste it here. For the other formats, leave this "
            "empty: a secret is made and shown once. docs/webhooks.md says where each provider wants it."
        ),
    )

    class Meta:
        model = WebhookSecret
        fields = ("store", "format")


@admin.register(WebhookSecret)
class WebhookSecretAdmin(ModelAdmin):
    """Secrets are added and deleted, but never shown or changed."""

    form = WebhookSecretForm
    list_display = ["store", "format", "address", "created_at"]
    list_filter = ["store", "format"]
    ordering = ["store", "format", "created_at"]
    list_select_related = ["store"]
    fieldsets = [(None, {"fields": ["store", "format", "address", "masked_secret", "created_at", "refused"]})]
    add_fieldsets = [(None, {"fields": ["store", "format", "secret"]})]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj is not None else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["address", "masked_secret", "refused", "created_at"] if obj is not None else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("address"))
    def address(self, secret: WebhookSecret) -> str:
        return site_url(reverse("intake:store_events", args=[secret.store.slug, secret.format]))

    @display(description=_("secret"))
    def masked_secret(self, secret: WebhookSecret) -> str:
        if can_read_secret(secret):
            return MASK
        return gettext("It can’t be decrypted because SECRET_KEY has changed. Delete it and add it again.")

    @display(description=_("refused requests in the last 24 hours"))
    def refused(self, secret: WebhookSecret) -> str:
        return str(count_refusals(secret.store_id, secret.format, timezone.now()))

    # --- Adding ---

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data["secret"]
        row, secret = add_secret(obj.store, PROVIDERS[obj.format], given)
        obj.pk, obj.position, obj.content, obj.created_at = row.pk, row.position, row.content, row.created_at
        obj.shown_secret = "" if given.strip() else secret

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show a generated secret in the response itself. It is never stored where it could be read again."""
        if not obj.shown_secret:
            return super().response_add(request, obj, post_url_continue)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("New secret"),
            "opts": self.opts,
            "secret": obj.shown_secret,
            "address": self.address(obj),
            "page": reverse("admin:intake_webhooksecret_changelist"),
        }
        return TemplateResponse(request, "intake/admin/secret.html", context)


@admin.register(StoreEvent)
class StoreEventAdmin(ReadOnlyMixin, ModelAdmin):
    """Events sent by stores, and their results."""

    list_display = ["received_at", "store", "format", "kind", "verdict_label", "reason", "tries"]
    list_filter = ["verdict", "store", "format", "code"]
    search_fields = ["=event_id", "kind"]
    search_help_text = _("Event id or kind of event")
    ordering = ["-received_at", "-pk"]
    list_select_related = ["store"]
    actions = ["try_again"]
    change_form_outer_after_template = "intake/admin/event.html"
    fieldsets = [
        (None, {"fields": ["verdict_label", "reason", "code", "word"]}),
        (_("Event"), {"fields": ["store", "format", "kind", "event_id", "received_at"]}),
        (_("Import"), {"fields": ["tries", "next_try", "finished_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StoreEvent]:
        return super().get_queryset(request).defer("body")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["verdict_label", "next_try"]

    @display(
        description=_("verdict"),
        ordering="verdict",
        label={Verdict.TAKEN.value: "success", Verdict.WAITING.value: "info", Verdict.REJECTED.value: "danger"},
    )
    def verdict_label(self, event: StoreEvent) -> tuple[str, str]:
        return event.verdict, event.get_verdict_display()

    @display(description=_("next try at"))
    def next_try(self, event: StoreEvent) -> Any:
        if event.verdict == Verdict.WAITING and event.next_try_at is None:
            return gettext("once staff say what the status means, in the admin under Statuses")
        return event.next_try_at if event.verdict == Verdict.WAITING else None

    # --- Retrying ---

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("intake.retry_storeevent")

    @admin.action(description=_("Try again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[StoreEvent]) -> None:
        for event in StoreEvent.objects.filter(pk__in=queryset.values("pk")).can_be_retried():
            self.log_change(request, event, gettext("Tried again"))
        count = retry_events(queryset)
        sentence = ngettext("%(count)s event is tried again.", "%(count)s events are tried again.", count)
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context: dict[str, Any] = {}
        event = StoreEvent.objects.filter(pk=object_id) if object_id.isdecimal() else StoreEvent.objects.none()
        if event.exists():
            context = {
                "event_pk": object_id,
                "can_retry": self.has_retry_permission(request) and event.can_be_retried().exists(),
                "can_read": self.may_read(request) and event.exclude(body=None).exists(),
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:pk>/retry/", wrapped(require_POST(self.retry)), name="intake_storeevent_retry"),
            path("<int:pk>/content/", wrapped(never_cache(self.content)), name="intake_storeevent_content"),
            *super().get_urls(),
        ]

    def retry(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_retry_permission(request):
            raise PermissionDenied
        self.try_again(request, StoreEvent.objects.filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:intake_storeevent_change", args=[pk]))

    # --- Content ---

    def may_read(self, request: HttpRequest) -> bool:
        return request.user.has_perm("intake.read_storeevent")

    def content(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the content of an event without card numbers and passwords. Each view is recorded."""
        if not self.may_read(request):
            raise PermissionDenied
        event = StoreEvent.objects.select_related("store").filter(pk=pk).exclude(body=None).first()
        if event is None:
            raise Http404
        try:
            body = masked_text(decrypt_body(event))
        except encryption.Undecryptable:
            body = gettext("Its content can’t be decrypted because SECRET_KEY has changed.")
        self.log_change(request, event, gettext("Read the content"))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Content of event %(number)s") % {"number": pk},
            "opts": self.opts,
            "body": body,
            "page": reverse("admin:intake_storeevent_change", args=[pk]),
        }
        return TemplateResponse(request, "intake/admin/event_content.html", context)
