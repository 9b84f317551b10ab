"""The admin of charge claims: a list whose rows link to the threads, and the candidates shown on a thread's page."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from orders.admin import ReadOnlyMixin
from orders.admin_money import EMPTY
from support import charge_finder
from support.models import ChargeClaim, Thread
from support.services.threads import is_order_address


@admin.register(ChargeClaim)
class ChargeClaimAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["thread", "outcome", "email", "formatted_amount", "charged_on", "card_last4", "received_at"]
    list_filter = ["outcome"]
    list_select_related = ["thread"]
    ordering = ["thread__due_at", "pk"]
    show_full_result_count = False
    search_fields = ["thread__reference", "thread__email", "order_number", "serial"]

    @display(description=_("address"), ordering="thread__email")
    def email(self, claim: ChargeClaim) -> str:
        return claim.thread.email

    @display(description=_("amount"), ordering="amount")
    def formatted_amount(self, claim: ChargeClaim) -> str:
        return claim.formatted_amount or EMPTY

    @display(description=_("received at"), ordering="thread__created_at")
    def received_at(self, claim: ChargeClaim) -> Any:
        return claim.thread.created_at

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the thread, on whose page the claim is decided."""
        if not object_id.isdecimal():
            return super().change_view(request, object_id, form_url, extra_context)
        return HttpResponseRedirect(reverse("admin:support_thread_change", args=[object_id]))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("support.view_thread") or request.user.has_perm("support.change_thread"))


def claim_context(thread: Thread, *, with_candidates: bool) -> dict[str, Any] | None:
    """Return the template context of a thread's charge claim; None if the thread has none."""
    if thread.kind != Thread.Kind.CHARGE_CLAIM:
        return None
    claim = thread.charge_claim
    order = claim.matched_order
    show_candidates = with_candidates and claim.outcome in (ChargeClaim.Outcome.OPEN, ChargeClaim.Outcome.NO_MATCH)
    emails = {thread.email_key} - {""}
    return {
        "claim": claim,
        "show_candidates": show_candidates,
        "candidates": [
            (candidate, candidate.order.email_key in emails)
            for candidate in (charge_finder.find_candidates(claim) if show_candidates else [])
        ],
        "has_other_address": order is not None and not is_order_address(order, thread.email),
    }
