"""Charge claims: a list of their own, whose rows lead to their threads, and what the finder says beside the thread."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from orders.admin import ReadOnlyMixin
from support import finder
from support.models import ChargeClaim, Thread
from support.services.threads import is_address_of


@admin.register(ChargeClaim)
class ChargeClaimAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["thread", "outcome", "email", "amount", "currency", "charged_on", "card_last4", "received_at"]
    list_filter = ["outcome"]
    list_select_related = ["thread"]
    ordering = ["thread__due_at", "pk"]
    show_full_result_count = False
    search_fields = ["thread__reference", "thread__email", "order_number", "serial"]

    @display(description=_("address"), ordering="thread__email")
    def email(self, claim: ChargeClaim) -> str:
        return claim.thread.email

    @display(description=_("received at"), ordering="thread__created_at")
    def received_at(self, claim: ChargeClaim) -> Any:
        return claim.thread.created_at

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Its thread, where it is worked on."""
        if not object_id.isdecimal():
            return super().change_view(request, object_id, form_url, extra_context)
        return HttpResponseRedirect(reverse("admin:support_thread_change", args=[object_id]))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("support.view_thread") or request.user.has_perm("support.change_thread"))


def about(thread: Thread, *, with_candidates: bool) -> dict[str, Any] | None:
    """What a claim's thread shows beside what was said; None for a thread that is no claim."""
    if thread.kind != Thread.Kind.CHARGE_CLAIM:
        return None
    claim = thread.charge_claim
    looks = with_candidates and claim.outcome in (ChargeClaim.Outcome.OPEN, ChargeClaim.Outcome.NO_MATCH)
    emails = {thread.email_key} - {""}
    return {
        "claim": claim,
        "is_looked_for": looks,
        "candidates": [
            (candidate, candidate.order.email_key in emails)
            for candidate in (finder.candidates(claim) if looks else [])
        ],
        "is_elsewhere": claim.matched_order is not None and not is_address_of(claim.matched_order, thread.email),
    }
