"""The queue of cashback claims."""

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.admin.actions import (
    BUYER_TEXT_FIELDS,
    REASON_FIELDS,
    CaseAction,
    CleanedData,
    common_actions,
    text_input,
)
from licenses.models import normalize_serial
from orders.admin_money import money_column
from refunds.admin.requests import APPROVAL_FIELDS, SEE_SERIALS, RequestAdmin, approve, render_fragment, take_back
from refunds.models import CashbackClaim
from refunds.services import cashback

PAYOUT_FIELDS = {"reference": text_input(_("Payout reference"))} | BUYER_TEXT_FIELDS


def _show_payout_details(case: CashbackClaim, by: User, data: CleanedData) -> str:
    """Return the bank account as text for the page. The service records who viewed it."""
    details = cashback.reveal_payout_details(case, by)
    if details is None:
        return gettext("No bank details: the payout goes to the original payment method.")
    return f"{details.holder}, {details.account}"


@admin.register(CashbackClaim)
class CashbackClaimAdmin(RequestAdmin):
    list_display = ["reference", "state", "age", "due", "order", "promotion", "sum", "country"]
    list_filter = [*RequestAdmin.list_filter, "promotion", "country"]
    list_select_related = ["order__store", "promotion", "license"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "reference",
                    "state",
                    "promotion",
                    "license",
                    "country",
                    "sum",
                    "payout_method",
                    "payout_reference",
                    "created_at",
                    "due_at",
                ]
            },
        )
    ]
    case_actions = (
        CaseAction(
            "approve",
            _("Approve"),
            approve(cashback),
            CashbackClaim.UNDECIDED,
            APPROVAL_FIELDS,
            is_primary=True,
            offers_next=True,
        ),
        CaseAction(
            "pay",
            _("Record payout"),
            lambda case, by, data: cashback.record_payout(case, by, data["reference"], data["text"], data["note"]),
            {CashbackClaim.Status.APPROVED},
            PAYOUT_FIELDS,
            is_primary=True,
            offers_next=True,
            permission="refunds.pay_cashbackclaim",
        ),
        CaseAction(
            "look",
            _("Show bank details (this is logged)"),
            _show_payout_details,
            CashbackClaim.UNDECIDED | {CashbackClaim.Status.APPROVED},
            {},
            permission="refunds.reveal_payoutdetails",
        ),
        CaseAction(
            "take_back",
            _("Revoke approval"),
            take_back(cashback),
            {CashbackClaim.Status.APPROVED},
            REASON_FIELDS,
        ),
        *common_actions(CashbackClaim, cashback.decline),
    )

    def extra_search_query(self, request: HttpRequest, term: str) -> Q:
        query = super().extra_search_query(request, term)
        if (serial := normalize_serial(term)) and request.user.has_perm(SEE_SERIALS):
            query |= Q(license__serial_key=serial)
        return query

    sum = money_column("amount", _("amount"))

    def render_details(self, request: HttpRequest, case: CashbackClaim) -> SafeString:
        return render_fragment(
            request,
            "_cashback.html",
            case=case,
            proof=case.proof,
            reason=cashback.current_reason(case) if case.status == CashbackClaim.Status.APPROVED else None,
            doubt=cashback.DoubtfulAccount() if case.is_account_doubtful else None,
        )
