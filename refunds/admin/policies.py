"""Admin pages of return policies. Versions in force are read-only; a new version starts as a copy."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from cases.refusals import Refusal
from orders.admin_money import EditableMoneyMixin, money_column
from refunds.models import AutoApprovalLimit, ReturnException, ReturnPolicy
from refunds.services import policies


def is_in_force(policy: Model | None) -> bool:
    """Whether this version already applies to orders."""
    return isinstance(policy, ReturnPolicy) and policy.pk is not None and policy.in_force_from <= timezone.now()


class PolicyInline(TabularInline):
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_add_permission(request, obj) and not is_in_force(obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_in_force(obj)


class ReturnExceptionInline(PolicyInline):
    model = ReturnException
    autocomplete_fields = ["product"]


class AutoApprovalLimitInline(EditableMoneyMixin, PolicyInline):
    model = AutoApprovalLimit
    fields = ["up_to", "currency"]
    read_only_fields = ["formatted_up_to"]

    formatted_up_to = money_column("up_to", _("up to"))


class PolicyForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("store") and data.get("in_force_from"):
            version = ReturnPolicy(pk=self.instance.pk, store=data["store"], in_force_from=data["in_force_from"])
            if policies.starts_too_early(version):
                self.add_error("in_force_from", ValidationError(policies.MUST_START_LATER))
        return data


@admin.register(ReturnPolicy)
class ReturnPolicyAdmin(ModelAdmin):
    form = PolicyForm
    list_display = ["store", "in_force_from", "days", "activated_may_return", "revokes_serials"]
    list_filter = ["store"]
    list_select_related = ["store"]
    ordering = ["store", "-in_force_from"]
    inlines = [ReturnExceptionInline, AutoApprovalLimitInline]
    change_form_outer_after_template = "refunds/admin/policy.html"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_in_force(obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"in_force_from": tomorrow()} | super().get_changeform_initial_data(request)

    # --- A new version ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        policy = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if policy is not None and self.has_add_permission(request):
            context = {
                "copy_url": reverse("admin:refunds_returnpolicy_copy", args=[policy.pk]),
                "tomorrow": tomorrow().date(),
                "is_in_force": is_in_force(policy),
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.copy)
        return [path("<int:pk>/copy/", view, name="refunds_returnpolicy_copy"), *super().get_urls()]

    def copy(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Create a new version from the chosen day, by POST, and redirect to its page."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        policy = ReturnPolicy.objects.select_related("store").filter(pk=pk).first()
        if policy is None:
            raise Http404
        version = policy  # to redirect to
        if request.method == "POST":
            try:
                first_day = forms.DateField().clean(request.POST.get("first_day"))
                version = policies.copy_policy(policy, first_day)
            except ValidationError:
                messages.error(request, gettext("Enter the date when the new version takes effect."))
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                self.log_addition(request, version, gettext("Copied from %(version)s") % {"version": policy})
                messages.success(request, gettext("This is the new version. Change it as needed."))
        return HttpResponseRedirect(reverse("admin:refunds_returnpolicy_change", args=[version.pk]))


def tomorrow() -> datetime:
    """Return the start of tomorrow in the time zone of the admin's forms."""
    day = timezone.localdate() + timedelta(days=1)
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
