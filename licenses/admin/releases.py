"""Admin of releases: upload drafts (or `add_release` for large files), publish, withdraw and offer again."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from files.large_uploads import OTHER_FIELDS_BYTES, LargeUploadHandler
from files.rejection_reasons import RejectionReason
from licenses.models import Release
from licenses.services import releases
from licenses.services.releases import NeedsConfirmation, Outcome, ReleaseRejected, ReleaseUpload

MEGABYTE = 1024 * 1024


def max_request_bytes() -> int:
    """The largest upload form that is read, in bytes."""
    return int(settings.RELEASE_UPLOAD_MAX_BYTES) + OTHER_FIELDS_BYTES


class State(models.TextChoices):
    """What became of a release, as staff see it."""

    DRAFT = "draft", _("draft")
    CURRENT = "current", _("current")
    REPLACED = "replaced", _("replaced")
    WITHDRAWN = "withdrawn", _("withdrawn")


def release_state(release: Release) -> State:
    if release.is_draft:
        return State.DRAFT
    if release.withdrawn_at is not None:
        return State.WITHDRAWN
    return State.CURRENT if release.replaced_at is None else State.REPLACED


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {
            State.DRAFT: Q(released_at__isnull=True),
            State.CURRENT: Q(released_at__isnull=False, replaced_at__isnull=True, withdrawn_at__isnull=True),
            State.REPLACED: Q(replaced_at__isnull=False, withdrawn_at__isnull=True),
            State.WITHDRAWN: Q(withdrawn_at__isnull=False),
        }
        value = self.value()
        return queryset.filter(conditions[State(value)]) if value in State.values else queryset


class ReleaseForm(forms.ModelForm):
    """Adds a release as a draft. Shows the errors of the service."""

    file = forms.FileField(label=_("File"), allow_empty_file=True, widget=UnfoldAdminFileFieldWidget)
    file_name = forms.CharField(
        label=_("File name"),
        required=False,
        max_length=255,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The name that browsers save it under. Leave empty to keep the file’s own name."),
    )
    stated_sha256 = forms.CharField(
        label="SHA-256",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Optional. If set, the file is rejected unless its checksum is the same."),
    )

    class Meta:
        model = Release
        fields = ["product", "version", "platform", "file_name"]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        reason = getattr(file, "rejection_reason", None)
        if reason is RejectionReason.TOO_LARGE:
            most = settings.RELEASE_UPLOAD_MAX_BYTES // MEGABYTE
            raise ValidationError(
                _("The file is larger than %(most)d MB. Add it with `manage.py add_release`."),
                params={"most": most},
            )
        if reason is not None:
            raise ValidationError(_("The server’s disk is full. Nothing was saved."))
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if {"product", "version", "platform", "file"} <= data.keys():
            try:
                added = releases.add_release(data["file"], self.get_upload(), dry_run=True)
            except ReleaseRejected as error:
                raise ValidationError(error.sentence) from error
            if added.outcome == Outcome.UNCHANGED:
                raise ValidationError(
                    _("%(release)s already exists with this file."), params={"release": added.release}
                )
        return data

    def get_upload(self) -> ReleaseUpload:
        data = self.cleaned_data
        return ReleaseUpload(
            product=data["product"],
            version=data["version"],
            platform=data["platform"],
            file_name=data.get("file_name") or data["file"].name,
            sha256=data.get("stated_sha256", ""),
        )

    def validate_unique(self) -> None:
        """Left to the service, because a newer release replaces the current one."""

    def validate_constraints(self) -> None:
        """As above."""


@admin.register(Release)
class ReleaseAdmin(ModelAdmin):
    form = ReleaseForm
    add_fields = ["product", "version", "platform", "file", "file_name", "stated_sha256"]
    list_display = ["product", "version", "platform", "state", "shown_size", "released_at", "published_by"]
    list_filter = [StateFilter, "product", "platform"]
    list_select_related = ["product", "published_by"]
    search_fields = ["version", "file_name", "sha256"]
    actions = ["withdraw", "offer_again"]
    actions_detail = ["publish"]
    ordering = ["-released_at"]  # drafts come first

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only drafts are deleted. Earlier buyers may still download other releases; harmful ones are withdrawn."""
        return isinstance(obj, Release) and obj.is_draft and self.has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.get_readonly_fields(request, obj) if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return []
        named = ["product", "version", "platform", "file_name", "shown_size", "sha256", "state_name"]
        return [*named, "released_at", "published_by", "replaced_at", "withdrawn_at"]

    @admin.display(description=_("state"))
    def state_name(self, release: Release) -> str:
        return str(release_state(release).label)

    @display(description=_("state"), label={State.DRAFT: "warning", State.CURRENT: "success"})
    def state(self, release: Release) -> tuple[str, Any]:
        state = release_state(release)
        return state.value, state.label

    @admin.display(description=_("size"), ordering="size")
    def shown_size(self, release: Release) -> str:
        return filesizeformat(release.size)

    # --- Adding ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Check permissions before the upload is read. The CSRF token is checked afterwards."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        request.upload_handlers = [LargeUploadHandler(request, int(settings.RELEASE_UPLOAD_MAX_BYTES))]
        try:
            return super().add_view(request, form_url, extra_context)
        except ReleaseRejected as error:  # something changed after the form was validated
            self.message_user(request, str(error.sentence), messages.ERROR)
            return HttpResponseRedirect(request.path)

    add_view.csrf_exempt = True  # type: ignore[attr-defined]  # changeform_view checks it
    add_view.max_request_bytes = max_request_bytes  # type: ignore[attr-defined]  # see files.upload_limits.RequestSizeLimitMiddleware

    def save_model(self, request: HttpRequest, obj: Release, form: Any, change: bool) -> None:
        added = releases.add_release(form.cleaned_data["file"], form.get_upload())
        obj.pk = added.release.pk
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Release, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the confirmation of the publication."""
        if self.has_change_permission(request, obj) and "_addanother" not in request.POST:
            return HttpResponseRedirect(reverse("admin:licenses_release_publish", args=[obj.pk]))
        return super().response_add(request, obj, post_url_continue)

    # --- Publishing ---

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        release = self.get_object(request, str(object_id))
        is_draft = isinstance(release, Release) and release.is_draft
        return list(super().get_actions_detail(request, object_id)) if is_draft else []

    @action(
        description=_("Publish"),
        url_path="publish",
        permissions=["change"],  # a permission with a dot makes django-unfold query the database while it starts
        icon="publish",
        variant=ActionVariant.PRIMARY,
    )
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what buyers will get. By POST, publish the draft, if staff confirm the warnings."""
        release = self.get_object(request, object_id)
        if release is None:
            raise Http404
        page = HttpResponseRedirect(reverse("admin:licenses_release_change", args=[release.pk]))
        if not release.is_draft:
            self.message_user(request, gettext("%(release)s is already published.") % {"release": release})
            return page
        error: Any = ""
        try:
            if request.method != "POST":
                releases.require_stored_file(release, is_hashed=False)
            else:
                assert isinstance(request.user, User)
                releases.publish(release, request.user, request.POST.getlist("confirmed"))
                self.log_change(request, release, gettext("Published."))
                text = gettext("%(release)s is published. Buyers can download it now.") % {"release": release}
                self.message_user(request, text, messages.SUCCESS)
                return page
        except NeedsConfirmation:
            error = gettext("Nothing was published. Confirm each warning first.")
        except ReleaseRejected as refused:
            error = refused.sentence
        return self._confirmation_page(request, release, error)

    def _confirmation_page(self, request: HttpRequest, release: Release, error: Any) -> HttpResponse:
        replaced = releases.current_release(release)
        context = self.admin_site.each_context(request) | {
            "title": gettext("Publish %(release)s") % {"release": release},
            "opts": self.opts,
            "release": release,
            "replaced": replaced,
            "warnings": releases.publication_warnings(release),
            "confirmed": request.POST.getlist("confirmed"),
            "error": error,
            "can_delete": self.has_delete_permission(request, release),
        }
        return TemplateResponse(
            request,
            "licenses/admin/publish_release.html",
            context,
            status=422 if error and request.method == "POST" else 200,
        )

    def delete_model(self, request: HttpRequest, obj: Release) -> None:
        if not releases.delete_draft(obj):
            raise PermissionDenied  # a colleague published it in the meantime

    # --- Withdrawing ---

    @admin.action(description=_("Withdraw from download"), permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Release]) -> None:
        count = self._apply(request, queryset, releases.withdraw, gettext("Withdrawn."))
        words = ngettext("%(count)d release was withdrawn.", "%(count)d releases were withdrawn.", count)
        self.message_user(request, words % {"count": count})

    @admin.action(description=_("Offer as the current release"), permissions=["change"])
    def offer_again(self, request: HttpRequest, queryset: QuerySet[Release]) -> None:
        count = self._apply(request, queryset, releases.offer_again, gettext("Now offered again."))
        words = ngettext("%(count)d release is now offered again.", "%(count)d releases are now offered again.", count)
        self.message_user(request, words % {"count": count})

    def _apply(
        self, request: HttpRequest, queryset: QuerySet[Release], action: Callable[[Release], bool], note: str
    ) -> int:
        done = [release for release in queryset.order_by("released_at") if action(release)]
        for release in done:
            self.log_change(request, release, note)
        return len(done)
