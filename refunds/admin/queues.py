"""The four queues of requests, each with its actions."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
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
    ANSWER,
    ORDER_NUMBER,
    REASON,
    TO_BUYER,
    CaseAction,
    Entered,
    common_actions,
    line_field,
    order_named,
)
from cases.admin.queues import CaseAdmin
from cases.models import DecidedCase
from cases.refusals import Refusal
from licenses.models import normalize_serial
from notifications.addresses import email_key
from orders import formats
from orders.models import Order, normalize_order_number
from orders.money import format_money, smallest_unit
from refunds.eligibility import judge
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from refunds.services import cashback, returns, swaps, withdrawals

OTHERS_SHOWN = 20
CANDIDATES = 10  # orders offered to staff for a withdrawal without one


def _amount(case: Any) -> forms.Field:
    most = case.amount.quantize(smallest_unit(case.currency)) if isinstance(case, Return) else None
    return forms.DecimalField(
        label=_("Amount"),
        required=False,
        initial=most,
        max_digits=16,
        decimal_places=3,
        localize=False,
        help_text=_("Empty: all of it. Less is a partial refund."),
        widget=UnfoldAdminDecimalFieldWidget(),
    )


AMOUNT = {"amount": _amount} | TO_BUYER
REFERENCE = {"reference": line_field(_("Reference of the payout"))} | TO_BUYER
NEW_SERIAL = {
    "serial": line_field(_("New serial number")),
    "devices": lambda case: forms.IntegerField(
        label=_("Devices covered"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget()
    ),
    "expires_on": lambda case: forms.DateField(
        label=_("Runs until"), required=False, widget=UnfoldAdminSingleDateWidget()
    ),
} | TO_BUYER


class RequestAdmin(CaseAdmin):
    """A queue of requests about orders: found by serial number, too, with the buyer's other requests beside each."""

    list_select_related: Any = True
    change_form_outer_after_template = "refunds/admin/case.html"

    def with_address(self, address: str) -> Q:
        return Q(order__email_key=email_key(address), order__email_key__gt="")

    def more_found(self, term: str) -> Q:
        if serial := normalize_serial(term):
            orders = Order.objects.filter(licensed_lines__license__serial_key=serial)
            return Q(order__in=orders.values("pk").order_by())
        return super().more_found(term)

    def about(self, request: HttpRequest, found: Any) -> dict[str, Any]:
        return super().about(request, found) | {
            "history": list(found.events.select_related("by").order_by("-at", "-pk")),
            "others": _others(found),
            "more": self.more_about(found),
        }

    def more_about(self, case: Any) -> SafeString:
        """What else this kind of request shows beside its actions."""
        return SafeString("")


def _others(case: Any) -> list[tuple[DecidedCase, str]]:
    """The buyer's other requests of every kind and their pages, by the address of the order or of the withdrawal."""
    if not (key := email_key(case.recipient)):
        return []
    found: list[DecidedCase] = []
    for case_type in (Return, Withdrawal, Swap, CashbackClaim):
        same = Q(order__email_key=key)
        if case_type is Withdrawal:
            same |= Q(email_key=key)
        cases = case_type._default_manager.filter(same).order_by("-created_at")
        found += [each for each in cases[:OTHERS_SHOWN] if each != case]
    newest_first = sorted(found, key=lambda each: each.created_at, reverse=True)
    return [(each, _page_of(each)) for each in newest_first]


def _page_of(case: DecidedCase) -> str:
    return reverse(f"admin:refunds_{case._meta.model_name}_change", args=[case.pk])


def shown(template: str, **context: Any) -> SafeString:
    """A fragment of a request's page."""
    return mark_safe(render_to_string(f"refunds/admin/{template}", context))  # noqa: S308 (templates escape)


def _approve(service: Any) -> Any:
    return lambda case, by, entered: service.approve(case, by, text=entered["text"], note=entered["note"])


def _approve_amount(service: Any) -> Any:
    return lambda case, by, entered: service.approve(case, by, entered["amount"], entered["text"], entered["note"])


@admin.register(Return)
class ReturnAdmin(RequestAdmin):
    list_display = ["reference", "state", "age", "due", "order", "sum", "reason", "store"]
    list_filter = [*RequestAdmin.list_filter, "reason", "order__store"]
    list_select_related = ["order__store", "reason"]
    actions = ["approve_all"]
    fieldsets = [
        (None, {"fields": ["reference", "state", "sum", "approved", "reason", "comment", "created_at", "due_at"]})
    ]
    case_actions = (
        CaseAction(
            "approve",
            _("Approve"),
            _approve_amount(returns),
            Return.UNDECIDED,
            AMOUNT,
            is_main=True,
        ),
        *common_actions(Return),
    )

    @display(description=_("store"))
    def store(self, case: Return) -> str:
        return str(case.order.store)

    @display(description=_("amount"), ordering="amount")
    def sum(self, case: Return) -> str:
        return format_money(case.amount, case.currency)

    @display(description=_("approved"))
    def approved(self, case: Return) -> str:
        return "–" if case.amount_approved is None else format_money(case.amount_approved, case.currency)

    def more_about(self, case: Return) -> SafeString:
        lines = list(case.lines.select_related("line").prefetch_related("licenses__product").order_by("pk"))
        return shown(
            "_return.html",
            case=case,
            order=case.order,
            lines=lines,
            eligibility=judge(case.order, timezone.now()),
            payment=formats.payment_line(case.order),
            zone=case.order.store.tzinfo,
            transactions=list(case.transactions.order_by("pk")),
        )

    @action(description=_("Approve the chosen ones whole"), permissions=["decide"])
    def approve_all(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        """Each by itself, in a transaction of its own: one that cannot be approved stops no other."""
        assert isinstance(request.user, User)
        done, refused = 0, []
        for case in queryset.order_by("due_at", "pk"):
            try:
                returns.approve(case, request.user)
            except Refusal as refusal:
                refused.append(f"{case}: {refusal}")
            else:
                self.log_change(request, case, gettext("Approved with others"))
                done += 1
        if done:
            words = ngettext("%(count)d return approved.", "%(count)d returns approved.", done)
            messages.success(request, words % {"count": done})
        for sentence in refused:
            messages.warning(request, sentence)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may_decide(request)


def attach_order(case: Withdrawal, by: User, entered: Entered) -> None:
    """The order that staff name by its number, and by its store where several stores have that number."""
    withdrawals.attach_order(case, order_named(entered), by)


def candidates(case: Withdrawal) -> list[Order]:
    """Orders that a statement may be about, newest first, while staff have not said which: by number or address."""
    if case.order_id is not None or not case.is_undecided:
        return []
    number = normalize_order_number(case.order_number)
    by_number = Q(number_key=number) if number else Q(pk__in=[])
    either = Order.objects.filter(by_number | Q(email_key=email_key(case.email), email_key__gt=""))
    return list(either.select_related("store").newest_first()[:CANDIDATES])


@admin.register(Withdrawal)
class WithdrawalAdmin(RequestAdmin):
    list_display = ["reference", "state", "late", "age", "due", "name", "order_number", "order"]
    list_filter = [*RequestAdmin.list_filter, "is_late"]
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
        CaseAction("approve", _("Accept"), _approve_amount(withdrawals), Withdrawal.UNDECIDED, AMOUNT, is_main=True),
        CaseAction("attach", _("Say which order it is about"), attach_order, Withdrawal.UNDECIDED, ORDER_NUMBER),
        CaseAction(
            "answered",
            _("Note the buyer's answer"),
            lambda case, by, entered: withdrawals.note_answer(case, by, entered["text"]),
            {Withdrawal.Status.QUESTION_ASKED},
            ANSWER,
        ),
        *common_actions(Withdrawal),
    )

    def more_found(self, term: str) -> Q:
        return (
            super().more_found(term)
            | Q(email_key=email_key(term), email_key__gt="")
            | Q(order_number__icontains=term)
            | Q(name__icontains=term)
        )

    @display(description=_("late"), boolean=True, ordering="is_late")
    def late(self, case: Withdrawal) -> bool:
        return case.is_late

    def more_about(self, case: Withdrawal) -> SafeString:
        transactions = list(case.transactions.order_by("pk"))
        return shown("_withdrawal.html", case=case, candidates=candidates(case), transactions=transactions)


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
        CaseAction("approve", _("Approve"), _approve(swaps), Swap.UNDECIDED, TO_BUYER, is_main=True),
        CaseAction(
            "finish",
            _("Give the new serial number"),
            lambda case, by, entered: swaps.finish(
                case, by, entered["serial"], entered["text"], entered["note"], entered["devices"], entered["expires_on"]
            ),
            {Swap.Status.APPROVED},
            NEW_SERIAL,
            is_main=True,
        ),
        CaseAction(
            "call_off",
            _("Call off"),
            lambda case, by, entered: swaps.call_off(case, by, entered["text"], entered["note"]),
            {Swap.Status.APPROVED},
            REASON,
        ),
        *common_actions(Swap),
    )

    @display(description=_("difference in price"), ordering="price_difference")
    def difference(self, case: Swap) -> str:
        return "–" if case.price_difference is None else format_money(case.price_difference, case.currency)


def bank_details(case: CashbackClaim, by: User, entered: Entered) -> str:
    """Where the payout goes; the look is on record."""
    details = cashback.look_at_payout_details(case, by)
    if details is None:
        return gettext("There are no bank details: it is paid the way the order was paid.")
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
        CaseAction("approve", _("Approve"), _approve(cashback), CashbackClaim.UNDECIDED, TO_BUYER, is_main=True),
        CaseAction(
            "pay",
            _("Record the payout"),
            lambda case, by, entered: cashback.pay(case, by, entered["reference"], entered["text"], entered["note"]),
            {CashbackClaim.Status.APPROVED},
            REFERENCE,
            is_main=True,
        ),
        CaseAction(
            "look",
            _("Show the bank details (is put on record)"),
            bank_details,
            CashbackClaim.UNDECIDED | {CashbackClaim.Status.APPROVED},
            {},
        ),
        *common_actions(CashbackClaim, cashback.decline),
    )

    def more_found(self, term: str) -> Q:
        serial = normalize_serial(term)
        return super().more_found(term) | (Q(license__serial_key=serial) if serial else Q(pk__in=[]))

    @display(description=_("amount"), ordering="amount")
    def sum(self, case: CashbackClaim) -> str:
        return format_money(case.amount, case.currency)

    def more_about(self, case: CashbackClaim) -> SafeString:
        return shown("_cashback.html", case=case, proof=case.proof)
