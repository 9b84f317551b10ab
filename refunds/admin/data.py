"""Policies, reasons, offers and promotions: what staff write down, and services only read."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from refunds.models import (
    AutoApprovalLimit,
    CashbackPromotion,
    ReturnException,
    ReturnPolicy,
    ReturnReason,
    StoreGateway,
    SwapOffer,
    WithdrawalPeriod,
)


def is_in_force(policy: Model | None) -> bool:
    """Whether orders were promised something by this version already."""
    return isinstance(policy, ReturnPolicy) and policy.pk is not None and policy.in_force_from <= timezone.now()


class PartOfPolicy(TabularInline):
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_add_permission(request, obj) and not is_in_force(obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_in_force(obj)


class ReturnExceptionInline(PartOfPolicy):
    model = ReturnException
    autocomplete_fields = ["product"]


class AutoApprovalLimitInline(PartOfPolicy):
    model = AutoApprovalLimit


@admin.register(ReturnPolicy)
class ReturnPolicyAdmin(ModelAdmin):
    """A version that is in force is what buyers were promised: it stays as it is, and a new one follows it."""

    list_display = ["store", "in_force_from", "days", "activated_may_return", "revokes_serials"]
    list_filter = ["store"]
    list_select_related = ["store"]
    ordering = ["store", "-in_force_from"]
    inlines = [ReturnExceptionInline, AutoApprovalLimitInline]
    save_as = True  # a new version begins as a copy

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_in_force(obj)


@admin.register(ReturnReason)
class ReturnReasonAdmin(ModelAdmin):
    list_display = ["name", "position", "offers_swap", "is_active"]
    list_editable = ["position", "offers_swap", "is_active"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # returns name it; take it off the list instead


@admin.register(WithdrawalPeriod)
class WithdrawalPeriodAdmin(ModelAdmin):
    list_display = ["country_or_all", "store", "days"]
    list_select_related = ["store"]

    @admin.display(description=_("country"))
    def country_or_all(self, period: WithdrawalPeriod) -> str:
        return period.country or str(_("every country"))


@admin.register(StoreGateway)
class StoreGatewayAdmin(ModelAdmin):
    list_display = ["store", "gateway"]
    list_select_related = ["store"]


@admin.register(SwapOffer)
class SwapOfferAdmin(ModelAdmin):
    list_display = ["name", "store", "product", "price", "currency", "is_active"]
    list_filter = ["store", "is_active"]
    list_select_related = ["store", "product"]
    search_fields = ["name"]
    autocomplete_fields = ["product"]


@admin.register(CashbackPromotion)
class CashbackPromotionAdmin(ModelAdmin):
    list_display = ["name", "amount", "currency", "bought_from", "bought_until", "claim_until", "is_active"]
    list_filter = ["is_active", "stores"]
    search_fields = ["name"]
    filter_horizontal = ["stores"]
    autocomplete_fields = ["products"]
