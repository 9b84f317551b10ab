"""Admin page of refund transactions: those that staff make by hand, and those that a gateway refused."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Case as Choice
from django.db.models import IntegerField, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cases.refusals import Refusal
from orders import formats
from orders.admin import ReadOnlyMixin
from orders.admin_money import money_column
from refunds.models import RefundTransaction, StoreGateway
from refunds.services import transactions

Status = RefundTransaction.Status


class TransactionToDoFilter(admin.SimpleListFilter):
    title = _("to do")
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("hand", str(_("to make by hand"))), ("refused", str(_("refused by the gateway")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "hand":
            return queryset.waiting_for_staff()  # type: ignore[attr-defined]
        return queryset.filter(status=Status.REFUSED) if self.value() == "refused" else queryset


@admin.register(RefundTransaction)
class RefundTransactionAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["formatted_amount", "state", "gateway", "order", "case_link", "paid_with", "waits_since", "answer"]
    list_filter = [TransactionToDoFilter, "status", "gateway", "order__store"]
    list_select_related = ["order__store", "return_case", "withdrawal"]
    search_fields = ["order__number_key__startswith", "store_reference", "return_case__reference"]
    search_help_text = _("Order number, reference of the return or of the refund")
    show_full_result_count = False
    change_form_outer_after_template = "refunds/admin/transaction.html"
    fieldsets = [
        (None, {"fields": ["formatted_amount", "state", "gateway", "order", "case_link", "paid_with"]}),
        (_("What was tried"), {"fields": ["tries", "next_try_at", "last_answer", "created_at"]}),
        (_("What came of it"), {"fields": ["store_reference", "done_at", "done_by"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundTransaction]:
        """Order by urgency: refused, then open, then the rest; each oldest first."""
        urgency = Choice(
            When(status=Status.REFUSED, then=Value(0)),
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
        return format_html('<a class="text-primary-600" href="{}">{}</a>', page, case)

    @display(description=_("paid with"))
    def paid_with(self, transaction: RefundTransaction) -> str:
        return formats.payment_line(transaction.order) or "–"

    @display(description=_("promised at"), ordering="created_at")
    def waits_since(self, transaction: RefundTransaction) -> str:
        return transaction.created_at.strftime("%Y-%m-%d %H:%M")

    @display(description=_("last answer"))
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
            is_manual = transaction.gateway == StoreGateway.Gateway.MANUAL and transaction.status == Status.WAITING
            context = {
                "send_url": reverse("admin:refunds_refundtransaction_send", args=[transaction.pk]),
                "can_be_marked": is_manual or transaction.status == Status.REFUSED,
                "can_be_retried": transaction.status == Status.REFUSED,
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.send)
        return [path("<int:pk>/send/", view, name="refunds_refundtransaction_send"), *super().get_urls()]

    def send(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run an action by POST: "done" with a reference, "retry" through the gateway, or "by_hand" for staff."""
        transaction = RefundTransaction.objects.filter(pk=pk).first()
        if not self.has_send_permission(request):
            raise PermissionDenied
        if transaction is None:
            raise Http404
        assert isinstance(request.user, User)
        action = request.POST.get("action", "") if request.method == "POST" else ""
        try:
            if action == "done":
                transactions.mark_done(transaction, request.POST.get("reference", ""), request.user)
            elif action == "retry":
                transactions.retry(transaction)
            elif action == "by_hand":
                transactions.switch_to_manual(transaction)
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            if action in ("done", "retry", "by_hand"):
                self.log_change(request, transaction, action)
                messages.success(request, gettext("Done. The list shows how it stands."))
        page = "changelist" if action else "change"
        return HttpResponseRedirect(
            reverse(f"admin:refunds_refundtransaction_{page}", args=[] if page == "changelist" else [pk])
        )
