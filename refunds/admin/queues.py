"""Admin queues of returns, withdrawals, swaps and cashback claims, each with its actions."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSingleDateWidget,
)

from cases.admin.actions import (
    ANSWER_FIELDS,
    BUYER_TEXT_FIELDS,
    ORDER_FIELDS,
    REASON_FIELDS,
    CaseAction,
    CleanedData,
    common_actions,
    find_order,
    text_input,
)
from cases.admin.queues import CaseAdmin
from cases.models import DecidedCase
from cases.refusals import Refusal
from cases.services import CALLED_OFF
from licenses.models import Product, Sku, normalize_serial
from notifications.addresses import email_key
from orders import formats
from orders.admin_money import money_column
from orders.models import Order, normalize_order_number
from orders.money import with_decimals
from refunds.eligibility import check_eligibility
from refunds.ledger import load_ledger
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal
from refunds.services import cashback, recovery, returns, swaps, withdrawals

SEE_SERIALS = "licenses.view_license"
SERIAL_FIELDS = ("license", "new_license")
MAX_OTHER_REQUESTS = 20  # per kind of request
MAX_ID_DIGITS = 19  # of PostgreSQL's bigint
MAX_CANDIDATES = 10  # orders suggested for a withdrawal without one


def _amount_field(case: Any) -> forms.Field:
    order = case.about_order
    requested = with_decimals(case.amount, case.currency) if isinstance(case, Return) else None
    return forms.DecimalField(
        label=gettext("Amount in %(currency)s") % {"currency": order.currency} if order else gettext("Amount"),
        required=False,
        initial=requested,
        max_digits=16,
        decimal_places=3,
        localize=False,
        help_text=_("Leave empty for a full refund. Enter a lower amount for a partial refund."),
        widget=UnfoldAdminDecimalFieldWidget(),
    )


AMOUNT_FIELDS = {"amount": _amount_field} | BUYER_TEXT_FIELDS
PAYOUT_FIELDS = {"reference": text_input(_("Payout reference"))} | BUYER_TEXT_FIELDS
NEW_SERIAL_FIELDS = {
    "serial": text_input(_("New serial number")),
    "devices": lambda case: forms.IntegerField(
        label=_("Devices covered"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget()
    ),
    "expires_on": lambda case: forms.DateField(
        label=_("Valid until"), required=False, widget=UnfoldAdminSingleDateWidget()
    ),
} | BUYER_TEXT_FIELDS


class RequestAdmin(CaseAdmin):
    """A queue of requests about orders. Its search finds serial numbers, and its pages list the
    buyer's other requests.
    """

    list_select_related: Any = True
    change_form_outer_after_template = "refunds/admin/case.html"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out serial numbers where staff may not see licenses."""
        if request.user.has_perm(SEE_SERIALS):
            return self.fieldsets
        return [
            (title, options | {"fields": [name for name in options["fields"] if name not in SERIAL_FIELDS]})
            for title, options in self.fieldsets or ()
        ]

    def address_query(self, address: str) -> Q:
        return Q(order__email_key=email_key(address), order__email_key__gt="")

    def extra_search_query(self, request: HttpRequest, term: str) -> Q:
        if (serial := normalize_serial(term)) and request.user.has_perm(SEE_SERIALS):
            orders = Order.objects.filter(licensed_lines__license__serial_key=serial)
            return Q(order__in=orders.values("pk").order_by())
        return super().extra_search_query(request, term)

    def get_page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        return super().get_page_context(request, obj) | {
            "history": list(obj.events.select_related("by").order_by("-at", "-pk")),
            "other_requests": _other_requests(obj, request.user),
            "details": self.render_details(request, obj),
        }

    def render_details(self, request: HttpRequest, case: Any) -> SafeString:
        """Return HTML that this kind of request shows above its actions."""
        return SafeString("")


def _other_requests(case: Any, staff: Any) -> list[tuple[DecidedCase, str]]:
    """Return the buyer's other requests of every kind that staff may see, newest first, with the URLs of their pages.

    The buyer is known by the email address of the order or of the withdrawal.
    """
    if not (key := email_key(case.recipient)):
        return []
    found: list[DecidedCase] = []
    for case_type in (Return, Withdrawal, Swap, CashbackClaim):
        if not staff.has_perm(f"refunds.view_{case_type._meta.model_name}"):
            continue
        of_buyer = Q(order__email_key=key)
        if case_type is Withdrawal:
            of_buyer |= Q(email_key=key)
        cases = case_type._default_manager.filter(of_buyer).order_by("-created_at")
        found += [each for each in cases[:MAX_OTHER_REQUESTS] if each != case]
    newest_first = sorted(found, key=lambda each: each.created_at, reverse=True)
    return [(each, _change_url(each)) for each in newest_first]


def _change_url(case: DecidedCase) -> str:
    return reverse(f"admin:refunds_{case._meta.model_name}_change", args=[case.pk])


def render_fragment(request: HttpRequest, template: str, **context: Any) -> SafeString:
    return mark_safe(render_to_string(f"refunds/admin/{template}", context, request))  # noqa: S308 (templates escape)


class StuckRefundFilter(admin.SimpleListFilter):
    """Cases with a refund that a gateway refused, or whose result is unknown."""

    title = _("refund")
    parameter_name = "refund"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("stuck", str(_("declined or unconfirmed")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "stuck":
            return queryset
        stuck = RefundTransaction.objects.filter(
            RefundTransaction.objects.is_unresolved() | Q(status=RefundTransaction.Status.UNCLEAR)
        )
        column = "return_case" if queryset.model is Return else "withdrawal"
        return queryset.filter(pk__in=stuck.values(column))


class ProductFilter(admin.SimpleListFilter):
    """Returns of items whose SKU has this product."""

    title = _("product")
    parameter_name = "product"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Product.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (product := self.value()):
            return queryset
        if not (product.isascii() and product.isdecimal() and len(product) < MAX_ID_DIGITS):
            return queryset.none()
        skus = Sku.objects.filter(product=int(product), store__orders__returns__lines__line__sku=F("code"))
        return queryset.filter(pk__in=skus.order_by().values("store__orders__returns"))


def _take_back(service: Any) -> Any:
    return lambda case, by, data: service.take_back_approval(case, by, data["text"], data["note"])


def _approve(service: Any) -> Any:
    return lambda case, by, data: service.approve(case, by, text=data["text"], note=data["note"])


def _approve_amount(service: Any) -> Any:
    return lambda case, by, data: service.approve(case, by, data["amount"], data["text"], data["note"])


@admin.register(Return)
class ReturnAdmin(RequestAdmin):
    list_display = ["reference", "state", "age", "due", "order", "sum", "reason", "store"]
    list_filter = [*RequestAdmin.list_filter, StuckRefundFilter, "reason", "order__store", ProductFilter]
    list_select_related = ["order__store", "reason"]
    actions = ["approve_all", *RequestAdmin.actions]
    fieldsets = [
        (None, {"fields": ["reference", "state", "sum", "approved", "reason", "comment", "created_at", "due_at"]})
    ]
    case_actions = (
        CaseAction(
            "approve",
            _("Approve"),
            _approve_amount(returns),
            Return.UNDECIDED,
            AMOUNT_FIELDS,
            is_primary=True,
            leads_on=True,
        ),
        CaseAction("take_back", _("Revoke approval"), _take_back(recovery), {Return.Status.APPROVED}, REASON_FIELDS),
        *common_actions(Return),
    )

    @display(description=_("store"))
    def store(self, case: Return) -> str:
        return str(case.order.store)

    sum = money_column("amount", _("amount"))
    approved = money_column("amount_approved", _("approved"))

    def render_details(self, request: HttpRequest, case: Return) -> SafeString:
        lines = list(case.lines.select_related("line").prefetch_related("licenses__product").order_by("pk"))
        return render_fragment(
            request,
            "_return.html",
            case=case,
            order=case.order,
            lines=lines,
            eligibility=check_eligibility(case.order, timezone.now()),
            payment=formats.payment_line(case.order),
            zone=case.order.locality,
            cashback_claims=list(
                case.order.cashback_claims.filter(license_id__in=case.license_ids())
                .exclude(status__in=CALLED_OFF)
                .order_by("pk")
            ),
            transactions=list(case.transactions.order_by("pk")),
        )

    @action(description=_("Approve selected requests in full"), permissions=["decide"])
    def approve_all(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        """Approve each return in a separate transaction, so that one refusal doesn't stop the others."""
        assert isinstance(request.user, User)
        approved, refusals = 0, []
        for case in queryset.order_by("due_at", "pk"):
            try:
                returns.approve(case, request.user)
            except Refusal as refusal:
                refusals.append(f"{case}: {refusal}")
            else:
                self.log_change(request, case, gettext("Approved in bulk"))
                approved += 1
        if approved:
            sentence = ngettext("%(count)d return approved.", "%(count)d returns approved.", approved)
            messages.success(request, sentence % {"count": approved})
        for sentence in refusals:
            messages.warning(request, sentence)


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
            _approve_amount(withdrawals),
            Withdrawal.UNDECIDED,
            AMOUNT_FIELDS,
            is_primary=True,
            leads_on=True,
        ),
        CaseAction("attach", _("Assign the order"), _attach_order, Withdrawal.UNDECIDED, ORDER_FIELDS),
        CaseAction(
            "answered",
            _("Record the buyer’s answer"),
            lambda case, by, data: withdrawals.record_answer(case, by, data["text"]),
            {Withdrawal.Status.QUESTION_ASKED},
            ANSWER_FIELDS,
        ),
        CaseAction(
            "take_back", _("Revoke approval"), _take_back(recovery), {Withdrawal.Status.APPROVED}, REASON_FIELDS
        ),
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


@admin.register(Swap)
class SwapAdmin(RequestAdmin):
    list_display = ["reference", "state", "age", "due", "order", "line", "wanted", "difference"]
    list_filter = [*RequestAdmin.list_filter, "order__store"]
    list_select_related = ["order__store", "line"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "reference",
                    "state",
                    "line",
                    "wanted",
                    "difference",
                    "comment",
                    "new_license",
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
            _approve(swaps),
            Swap.UNDECIDED,
            BUYER_TEXT_FIELDS,
            is_primary=True,
            leads_on=True,
        ),
        CaseAction(
            "finish",
            _("Assign new serial number"),
            lambda case, by, data: swaps.give_new_serial(
                case, by, data["serial"], data["text"], data["note"], data["devices"], data["expires_on"]
            ),
            {Swap.Status.APPROVED},
            NEW_SERIAL_FIELDS,
            is_primary=True,
            leads_on=True,
        ),
        CaseAction(
            "call_off",
            _("Cancel swap"),
            lambda case, by, data: swaps.cancel_approved(case, by, data["text"], data["note"]),
            {Swap.Status.APPROVED},
            REASON_FIELDS,
        ),
        *common_actions(Swap),
    )

    difference = money_column("price_difference", _("price difference"))


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
            _approve(cashback),
            CashbackClaim.UNDECIDED,
            BUYER_TEXT_FIELDS,
            is_primary=True,
            leads_on=True,
        ),
        CaseAction(
            "pay",
            _("Record payout"),
            lambda case, by, data: cashback.record_payout(case, by, data["reference"], data["text"], data["note"]),
            {CashbackClaim.Status.APPROVED},
            PAYOUT_FIELDS,
            is_primary=True,
            leads_on=True,
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
            _take_back(cashback),
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
