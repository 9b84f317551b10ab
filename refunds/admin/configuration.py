"""Admin pages of configuration: reasons, withdrawal periods, limits, gateways, swap offers, promotions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from orders.admin_money import EditableMoneyMixin, money_column
from refunds.gateways import is_configured
from refunds.models import (
    ApprovalLimit,
    CashbackPromotion,
    ReturnReason,
    StoreGateway,
    SwapOffer,
    WithdrawalPeriod,
)

MISSING_KEY = _(
    "The store “%(store)s” has no key for this gateway. Add it to STRIPE_SECRET_KEYS and restart the portal."
)


@admin.register(ReturnReason)
class ReturnReasonAdmin(ModelAdmin):
    list_display = ["name", "position", "offers_swap", "is_active"]
    list_editable = ["position", "offers_swap", "is_active"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # returns refer to it; staff deactivate it instead of deleting it


@admin.register(WithdrawalPeriod)
class WithdrawalPeriodAdmin(ModelAdmin):
    list_display = ["country_or_all", "store", "days"]
    list_select_related = ["store"]

    @admin.display(description=_("country"))
    def country_or_all(self, period: WithdrawalPeriod) -> str:
        return period.country or str(_("all countries"))


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(EditableMoneyMixin, ModelAdmin):
    list_display = ["currency", "formatted_up_to", "formatted_two_people_above"]
    fields = ["currency", "up_to", "two_people_above"]
    read_only_fields = ["currency", "formatted_up_to", "formatted_two_people_above"]

    formatted_up_to = money_column("up_to", _("one person up to"))
    formatted_two_people_above = money_column("two_people_above", _("two people above"))


class StoreGatewayForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        store, gateway = data.get("store"), data.get("gateway")
        if store and gateway and not is_configured(gateway, store):
            self.add_error("gateway", ValidationError(MISSING_KEY % {"store": store.slug}))
        return data


@admin.register(StoreGateway)
class StoreGatewayAdmin(ModelAdmin):
    form = StoreGatewayForm
    list_display = ["store", "gateway"]
    list_select_related = ["store"]


@admin.register(SwapOffer)
class SwapOfferAdmin(EditableMoneyMixin, ModelAdmin):
    list_display = ["name", "store", "product", "formatted_price", "is_active"]
    fields = ["store", "product", "name", ("price", "currency"), "is_active"]
    read_only_fields = ["store", "product", "name", "formatted_price", "is_active"]
    list_filter = ["store", "is_active"]
    list_select_related = ["store", "product"]
    search_fields = ["name"]
    autocomplete_fields = ["product"]

    formatted_price = money_column("price", _("price"))


@admin.register(CashbackPromotion)
class CashbackPromotionAdmin(EditableMoneyMixin, ModelAdmin):
    list_display = ["name", "formatted_amount", "bought_from", "bought_until", "claim_until", "is_active"]
    fields = [
        "name",
        "stores",
        "products",
        "countries",
        ("bought_from", "bought_until", "claim_until"),
        ("amount", "currency"),
        "is_active",
    ]
    read_only_fields = [
        "name",
        "stores",
        "products",
        "countries",
        "bought_from",
        "bought_until",
        "claim_until",
        "formatted_amount",
        "is_active",
    ]
    list_filter = ["is_active", "stores"]
    search_fields = ["name"]
    filter_horizontal = ["stores"]
    autocomplete_fields = ["products"]

    formatted_amount = money_column("amount", _("amount"))
