"""Admin page of refund transactions: those that staff make manually, and the actions for stuck ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Case as Choice
from django.db.models import IntegerField, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cases.refusals import Refusal
from orders import formats
from orders.admin import ReadOnlyMixin
from orders.admin_cells import link, minute
from orders.admin_money import money_column
from orders.card_numbers import mask_card_numbers
from orders.http import tell_about_card_number
from refunds.models import RefundTransaction
from refunds.services import recovery
from refunds.services.recovery import WayOut

Status = RefundTransaction.Status
REFERENCE = "reference"  # the field whose text the services check themselves


@dataclass(frozen=True)
class TransactionAction:
    """A button on a transaction's page, with at most one text field. `run` gets the typed text."""

    way_out: WayOut
    label: Any
    run: Callable[[RefundTransaction, User, str], object]
    field: str = ""
    field_label: Any = ""
    is_required: bool = True
    max_length: int = 1000


_NOTE: dict[str, Any] = {
    "field": "note",
    "field_label": _("Internal note, for staff only"),
    "is_required": False,
}
TRANSACTION_ACTIONS = {
    action.way_out: action
    for action in (
        TransactionAction(WayOut.LOOK_UP, _("Check at the gateway"), lambda row, by, text: recovery.look_up(row, by)),
        TransactionAction(
            WayOut.MARK_DONE,
            _("Mark as refunded"),
            lambda row, by, text: recovery.mark_done(row, text, by),
            field=REFERENCE,
            field_label=_("Refund reference in the store’s admin or at the gateway"),
            max_length=100,
        ),
        TransactionAction(WayOut.RETRY, _("Try again"), lambda row, by, text: recovery.retry(row, by, text), **_NOTE),
        TransactionAction(
            WayOut.MAKE_BY_HAND,
            _("Refund manually"),
            lambda row, by, text: recovery.make_by_hand(row, by, text),
            **_NOTE,
        ),
        TransactionAction(
            WayOut.MARK_NOT_SENT,
            _("Mark as not sent"),
            lambda row, by, text: recovery.mark_not_sent(row, by, text),
            field="reason",
            field_label=_("The gateway has no such refund. Why wasn’t it sent? (staff only)"),
        ),
        TransactionAction(
            WayOut.TAKE_BACK,
            _("Revoke approval"),
            lambda row, by, text: recovery.take_back_approval(row.case, by, text),
            field="reason",
            field_label=_("Reason for the buyer (sent by email)"),
        ),
    )
}


def may_decide(user: Any, transaction: RefundTransaction) -> bool:
    """Whether the user may decide the case of this transaction."""
    return bool(user.has_perm(f"refunds.change_{transaction.case._meta.model_name}"))


class TransactionToDoFilter(admin.SimpleListFilter):
    title = _("to do")
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("hand", str(_("to refund manually"))),
            ("refused", str(_("declined by the gateway"))),
            ("unclear", str(_("unconfirmed at the gateway"))),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows: Any = queryset
        if self.value() == "hand":
            return rows.waiting_for_staff()
        if self.value() == "refused":
            return rows.unresolved()
        return rows.filter(status=Status.UNCLEAR) if self.value() == "unclear" else rows


@admin.register(RefundTransaction)
class RefundTransactionAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["formatted_amount", "state", "gateway", "order", "case_link", "paid_with", "waits_since", "answer"]
    list_filter = [TransactionToDoFilter, "status", "gateway", "order__store"]
    list_select_related = ["order__store", "return_case", "withdrawal"]
    search_fields = ["order__number_key__startswith", "store_reference", "return_case__reference"]
    search_help_text = _("Order number, return reference or refund reference")
    show_full_result_count = False
    change_form_outer_after_template = "refunds/admin/transaction.html"
    fieldsets = [
        (None, {"fields": ["formatted_amount", "state", "gateway", "order", "case_link", "paid_with"]}),
        (_("Attempts"), {"fields": ["tries", "next_try_at", "last_answer", "created_at"]}),
        (_("Result"), {"fields": ["store_reference", "done_at", "done_by"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundTransaction]:
        """Order by urgency: refused and unresolved, then open, then the rest; each oldest first."""
        urgency = Choice(
            When(RefundTransaction.objects.is_unresolved(), then=Value(0)),
            When(status__in=RefundTransaction.OPEN, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return super().get_queryset(request).annotate(urgency=urgency).order_by("urgency", "created_at")

    formatted_amount = money_column("amount", _("amount"))

    @display(description=_("status"), label=True)
    def state(self, transaction: RefundTransaction) -> str:
        return transaction.get_status_display()

    @display(description=_("for"))
    def case_link(self, transaction: RefundTransaction) -> SafeString:
        case = transaction.case
        page = reverse(f"admin:refunds_{case._meta.model_name}_change", args=[case.pk])
        return link(page, case)

    @display(description=_("paid with"))
    def paid_with(self, transaction: RefundTransaction) -> str:
        return formats.payment_line(transaction.order) or "–"

    @display(description=_("created at"), ordering="created_at")
    def waits_since(self, transaction: RefundTransaction) -> str:
        return minute(transaction.created_at)

    @display(description=_("last response"))
    def answer(self, transaction: RefundTransaction) -> str:
        return transaction.last_answer[:80] or "–"

    # --- Actions ---

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("refunds.change_refundtransaction"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        transaction = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if transaction is not None and self.has_send_permission(request):
            context = {
                "send_url": reverse("admin:refunds_refundtransaction_send", args=[transaction.pk]),
                "transaction_actions": [
                    TRANSACTION_ACTIONS[way_out]
                    for way_out in recovery.ways_out(transaction)
                    if way_out != WayOut.TAKE_BACK or may_decide(request.user, transaction)
                ],
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.send)
        return [path("<int:pk>/send/", view, name="refunds_refundtransaction_send"), *super().get_urls()]

    def send(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run one of TRANSACTION_ACTIONS on POST. If the service refuses, nothing was changed."""
        transaction = RefundTransaction.objects.filter(pk=pk).first()
        if not self.has_send_permission(request):
            raise PermissionDenied
        if transaction is None:
            raise Http404
        assert isinstance(request.user, User)
        name = request.POST.get("action", "") if request.method == "POST" else ""
        page = reverse("admin:refunds_refundtransaction_change", args=[pk])
        if name not in TRANSACTION_ACTIONS:
            return HttpResponseRedirect(page)
        action = TRANSACTION_ACTIONS[WayOut(name)]
        if action.way_out == WayOut.TAKE_BACK and not may_decide(request.user, transaction):
            raise PermissionDenied
        text = request.POST.get(action.field, "").strip()[: action.max_length + 1]
        if action.field != REFERENCE and (masked := mask_card_numbers(text)) != text:
            tell_about_card_number(request)
            text = masked
        try:
            action.run(transaction, request.user, text)
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, transaction, f"{action.label}")
            messages.success(request, gettext("Saved. The list shows the current status."))
        if action.way_out == WayOut.LOOK_UP:
            return HttpResponseRedirect(page)  # which offers the actions that fit the response
        return HttpResponseRedirect(reverse("admin:refunds_refundtransaction_changelist"))
