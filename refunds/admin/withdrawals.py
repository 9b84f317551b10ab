"""The queue of withdrawals."""

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cases.admin.actions import (
    ANSWER_FIELDS,
    ORDER_FIELDS,
    REASON_FIELDS,
    CaseAction,
    CleanedData,
    common_actions,
    find_order,
)
from notifications.addresses import email_key
from orders import formats
from orders.models import Order, normalize_order_number
from refunds.admin.requests import (
    AMOUNT_FIELDS,
    RequestAdmin,
    StuckRefundFilter,
    approve_amount,
    render_fragment,
    take_back,
)
from refunds.ledger import load_ledger
from refunds.models import Withdrawal
from refunds.services import recovery, withdrawals

MAX_CANDIDATES = 10  # orders suggested for a withdrawal without one


def _attach_order(case: Withdrawal, by: User, data: CleanedData) -> None:
    withdrawals.attach_order(case, find_order(data), by)


def _candidate_orders(case: Withdrawal) -> list[Order]:
    """Return orders that an undecided withdrawal without an order may be about: by number or address, newest first."""
    if case.order_id is not None or not case.is_undecided:
        return []
    number = normalize_order_number(case.order_number)
    by_number = Q(number_key=number) if number else Q(pk__in=[])
    orders = Order.objects.filter(by_number | Q(email_key=email_key(case.email), email_key__gt=""))
    return list(orders.select_related("store").newest_first()[:MAX_CANDIDATES])


@admin.register(Withdrawal)
class WithdrawalAdmin(RequestAdmin):
    list_display = ["reference", "state", "late", "age", "due", "name", "order_number", "order"]
    list_filter = [*RequestAdmin.list_filter, StuckRefundFilter, "is_late"]
    list_select_related = ["order"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "reference",
                    "state",
                    "late",
                    "name",
                    "order_number",
                    "email",
                    "created_at",
                    "withdraw_until",
                    "due_at",
                ]
            },
        )
    ]
    case_actions = (
        CaseAction(
            "approve",
            _("Accept"),
            approve_amount(withdrawals),
            Withdrawal.UNDECIDED,
            AMOUNT_FIELDS,
            is_primary=True,
            offers_next=True,
        ),
        CaseAction("attach", _("Assign the order"), _attach_order, Withdrawal.UNDECIDED, ORDER_FIELDS),
        CaseAction(
            "answered",
            _("Record the buyer’s answer"),
            lambda case, by, data: withdrawals.record_answer(case, by, data["text"]),
            {Withdrawal.Status.QUESTION_ASKED},
            ANSWER_FIELDS,
        ),
        CaseAction("take_back", _("Revoke approval"), take_back(recovery), {Withdrawal.Status.APPROVED}, REASON_FIELDS),
        *common_actions(Withdrawal),
    )

    def extra_search_query(self, request: HttpRequest, term: str) -> Q:
        return (
            super().extra_search_query(request, term)
            | Q(email_key=email_key(term), email_key__gt="")
            | Q(order_number__icontains=term)
            | Q(name__icontains=term)
        )

    @display(description=_("late"), boolean=True, ordering="is_late")
    def late(self, case: Withdrawal) -> bool:
        return case.is_late

    def render_details(self, request: HttpRequest, case: Withdrawal) -> SafeString:
        order = case.order
        return render_fragment(
            request,
            "_withdrawal.html",
            case=case,
            order=order,
            lines=list(order.items) if order is not None else [],
            ledger=load_ledger(order) if order is not None else None,
            payment=formats.payment_line(order) if order is not None else "",
            candidates=_candidate_orders(case),
            transactions=list(case.transactions.order_by("pk")),
        )
