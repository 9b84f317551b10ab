"""The four queues, each with its verbs."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licenses.models import normalize_serial
from orders import formats
from orders.models import Order, email_key, normalize_order_number
from refunds.admin import verbs
from refunds.admin.cases import CaseAdmin, shown
from refunds.admin.verbs import Said, Verb
from refunds.eligibility import judge
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from refunds.refusals import NotPossible, Refusal
from refunds.services import cashback, returns, swaps, withdrawals

CANDIDATES = 10  # orders offered to staff for a withdrawal without one


def common(service: Any, case_type: Any) -> tuple[Verb, ...]:
    """The verbs that every kind of case has."""
    undecided, received = case_type.UNDECIDED, {case_type.Status.RECEIVED}
    every = case_type.Status.values
    not_asked = undecided - {case_type.Status.QUESTION_ASKED}
    return (
        Verb("review", _("Take into review"), lambda case, by, said: service.take_into_review(case, by), received, {}),
        Verb(
            "ask",
            _("Ask the buyer"),
            lambda case, by, said: service.ask(case, by, said["text"], said["note"]),
            not_asked,
            verbs.QUESTION,
        ),
        Verb(
            "decline",
            _("Decline"),
            lambda case, by, said: service.decline(case, by, said["text"], said["note"]),
            undecided,
            verbs.REASON,
        ),
        Verb(
            "note",
            _("Add a note"),
            lambda case, by, said: service.add_note(case, by, said["note"]),
            every,
            verbs.ONLY_NOTE,
        ),
    )


def _approve(service: Any) -> Any:
    return lambda case, by, said: service.approve(case, by, text=said["text"], note=said["note"])


def _approve_amount(service: Any) -> Any:
    return lambda case, by, said: service.approve(case, by, said["amount"], said["text"], said["note"])


@admin.register(Return)
class ReturnAdmin(CaseAdmin):
    list_display = ["reference", "state", "age", "due", "order", "sum", "reason", "store"]
    list_filter = [*CaseAdmin.list_filter, "reason", "order__store"]
    list_select_related = ["order__store", "reason"]
    actions = ["approve_all"]
    fieldsets = [
        (None, {"fields": ["reference", "state", "sum", "approved", "reason", "comment", "created_at", "due_at"]})
    ]
    verbs = (
        Verb(
            "approve",
            _("Approve"),
            _approve_amount(returns),
            Return.UNDECIDED,
            verbs.AMOUNT,
            is_main=True,
        ),
        *common(returns, Return),
    )

    @display(description=_("store"))
    def store(self, case: Return) -> str:
        return str(case.order.store)

    @display(description=_("amount"), ordering="amount")
    def sum(self, case: Return) -> str:
        return formats.money(case.amount, case.currency)

    @display(description=_("approved"))
    def approved(self, case: Return) -> str:
        return "–" if case.amount_approved is None else formats.money(case.amount_approved, case.currency)

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


def attach_order(case: Withdrawal, by: User, said: Said) -> None:
    """The order that staff name by its number, and by its store where several stores have that number."""
    named = Order.objects.for_number(said["number"])
    if said["store"] is not None:
        named = named.filter(store=said["store"])
    found = list(named[:2])
    if len(found) != 1:
        raise NotPossible(
            _("Several stores have an order of this number. Please choose the store, too.")
            if found
            else _("No order has this number. Please check it.")
        )
    withdrawals.attach_order(case, found[0], by)


def candidates(case: Withdrawal) -> list[Order]:
    """Orders that a statement may be about, newest first, while staff have not said which: by number or address."""
    if case.order_id is not None or not case.is_undecided:
        return []
    number = normalize_order_number(case.order_number)
    by_number = Q(number_key=number) if number else Q(pk__in=[])
    either = Order.objects.filter(by_number | Q(email_key=email_key(case.email)))
    return list(either.select_related("store").newest_first()[:CANDIDATES])


@admin.register(Withdrawal)
class WithdrawalAdmin(CaseAdmin):
    list_display = ["reference", "state", "late", "age", "due", "name", "order_number", "order"]
    list_filter = [*CaseAdmin.list_filter, "is_late"]
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
    verbs = (
        Verb("approve", _("Accept"), _approve_amount(withdrawals), Withdrawal.UNDECIDED, verbs.AMOUNT, is_main=True),
        Verb("attach", _("Say which order it is about"), attach_order, Withdrawal.UNDECIDED, verbs.ORDER_NUMBER),
        Verb(
            "answered",
            _("Note the buyer's answer"),
            lambda case, by, said: withdrawals.note_answer(case, by, said["text"]),
            {Withdrawal.Status.QUESTION_ASKED},
            verbs.ANSWER,
        ),
        *common(withdrawals, Withdrawal),
    )

    def more_found(self, term: str) -> Q:
        return Q(email__iexact=term) | Q(order_number__icontains=term) | Q(name__icontains=term)

    @display(description=_("late"), boolean=True, ordering="is_late")
    def late(self, case: Withdrawal) -> bool:
        return case.is_late

    def more_about(self, case: Withdrawal) -> SafeString:
        transactions = list(case.transactions.order_by("pk"))
        return shown("_withdrawal.html", case=case, candidates=candidates(case), transactions=transactions)


@admin.register(Swap)
class SwapAdmin(CaseAdmin):
    list_display = ["reference", "state", "age", "due", "order", "line", "wanted", "difference"]
    list_filter = [*CaseAdmin.list_filter, "order__store"]
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
    verbs = (
        Verb("approve", _("Approve"), _approve(swaps), Swap.UNDECIDED, verbs.TO_BUYER, is_main=True),
        Verb(
            "finish",
            _("Give the new serial number"),
            lambda case, by, said: swaps.finish(
                case, by, said["serial"], said["text"], said["note"], said["devices"], said["expires_on"]
            ),
            {Swap.Status.APPROVED},
            verbs.NEW_SERIAL,
            is_main=True,
        ),
        Verb(
            "call_off",
            _("Call off"),
            lambda case, by, said: swaps.call_off(case, by, said["text"], said["note"]),
            {Swap.Status.APPROVED},
            verbs.REASON,
        ),
        *common(swaps, Swap),
    )

    @display(description=_("difference in price"), ordering="price_difference")
    def difference(self, case: Swap) -> str:
        return "–" if case.price_difference is None else formats.money(case.price_difference, case.currency)


def bank_details(case: CashbackClaim, by: User, said: Said) -> str:
    """Where the payout goes; the look is on record."""
    details = cashback.look_at_payout_details(case, by)
    if details is None:
        return gettext("There are no bank details: it is paid the way the order was paid.")
    return f"{details.holder}, {details.account}"


@admin.register(CashbackClaim)
class CashbackClaimAdmin(CaseAdmin):
    list_display = ["reference", "state", "age", "due", "order", "promotion", "sum", "country"]
    list_filter = [*CaseAdmin.list_filter, "promotion", "country"]
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
    verbs = (
        Verb("approve", _("Approve"), _approve(cashback), CashbackClaim.UNDECIDED, verbs.TO_BUYER, is_main=True),
        Verb(
            "pay",
            _("Record the payout"),
            lambda case, by, said: cashback.pay(case, by, said["reference"], said["text"], said["note"]),
            {CashbackClaim.Status.APPROVED},
            verbs.REFERENCE,
            is_main=True,
        ),
        Verb(
            "look",
            _("Show the bank details (is put on record)"),
            bank_details,
            CashbackClaim.UNDECIDED | {CashbackClaim.Status.APPROVED},
            {},
        ),
        *common(cashback, CashbackClaim),
    )

    def more_found(self, term: str) -> Q:
        serial = normalize_serial(term)
        return Q(license__serial_key=serial) if serial else super().more_found(term)

    @display(description=_("amount"), ordering="amount")
    def sum(self, case: CashbackClaim) -> str:
        return formats.money(case.amount, case.currency)

    def more_about(self, case: CashbackClaim) -> SafeString:
        return shown("_cashback.html", case=case, proof=case.proof)
