"""What the queues of returns, withdrawals, swaps and cashback claims have in common."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
)

from cases.admin.actions import BUYER_TEXT_FIELDS, CleanedData, Notice
from cases.admin.queues import CaseAdmin, TagFilter, ToDoFilter
from cases.models import DecidedCase
from licenses.models import normalize_serial
from notifications.addresses import email_key
from orders.models import Order
from orders.money import format_money, with_decimals
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal

SEE_SERIALS = "licenses.view_license"
SERIAL_FIELDS = ("license", "new_license")
MAX_OTHER_REQUESTS = 20  # per kind of request


def _amount_field(case: Any) -> forms.Field:
    order = case.about_order
    suggested = case.first_approved_amount or (case.amount if isinstance(case, Return) else None)
    currency = order.currency if order else ""
    return forms.DecimalField(
        label=gettext("Amount in %(currency)s") % {"currency": order.currency} if order else gettext("Amount"),
        required=False,
        initial=with_decimals(suggested, currency) if suggested is not None else None,
        max_digits=16,
        decimal_places=3,
        localize=False,
        help_text=_("Leave empty for a full refund. Enter a lower amount for a partial refund."),
        widget=UnfoldAdminDecimalFieldWidget(),
    )


def _text_field(case: Any) -> forms.Field:
    """The message to the buyer, with what the first of two people wrote."""
    field = BUYER_TEXT_FIELDS["text"](case)
    field.initial = case.first_approved_text
    return field


APPROVAL_FIELDS = BUYER_TEXT_FIELDS | {"text": _text_field}
AMOUNT_FIELDS = {"amount": _amount_field} | APPROVAL_FIELDS


class RequestToDoFilter(ToDoFilter):
    options = (*ToDoFilter.options[:-1], ("second", _("Second approval")), ToDoFilter.options[-1])


class RequestAdmin(CaseAdmin):
    """A queue of requests about orders. Its search finds serial numbers, and its pages list the
    buyer's other requests.
    """

    list_select_related: Any = True
    list_filter: Any = [RequestToDoFilter, "status", TagFilter]
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
            "first_approved_amount": _first_approved_amount(obj),
        }

    def get_next_cases(self, request: HttpRequest) -> Any:
        """Without those that the user has approved already, which wait for a second person."""
        return super().get_next_cases(request).exclude(first_approved_by=request.user)

    def render_details(self, request: HttpRequest, case: Any) -> SafeString:
        """Return HTML that this kind of request shows above its actions."""
        return SafeString("")


def _first_approved_amount(case: Any) -> str:
    if case.first_approved_amount is None:
        return ""
    order = case.about_order
    return format_money(case.first_approved_amount, order.currency if order else case.currency)


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


def take_back(service: Any) -> Any:
    return lambda case, by, data: service.take_back_approval(case, by, data["text"], data["note"])


def approve(service: Any) -> Any:
    def run(case: Any, by: User, data: CleanedData) -> Notice | None:
        return _notice(service.approve(case, by, text=data["text"], note=data["note"]))

    return run


def approve_amount(service: Any) -> Any:
    def run(case: Any, by: User, data: CleanedData) -> Notice | None:
        return _notice(service.approve(case, by, data["amount"], data["text"], data["note"]))

    return run


def _notice(is_approved: bool) -> Notice | None:
    sentence = gettext(
        "Your approval is recorded. The amount needs a second person, so a supervisor has to approve it."
    )
    return None if is_approved else Notice(sentence)
