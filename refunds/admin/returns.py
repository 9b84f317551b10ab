"""The queue of returns."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from cases.admin.actions import (
    REASON_FIELDS,
    CaseAction,
    common_actions,
)
from cases.refusals import Refusal
from cases.services import CALLED_OFF
from licenses.models import Product, Sku
from orders import formats
from orders.admin_money import money_column
from refunds.admin.requests import (
    AMOUNT_FIELDS,
    RequestAdmin,
    StuckRefundFilter,
    approve_amount,
    render_fragment,
    take_back,
)
from refunds.eligibility import check_eligibility
from refunds.models import Return
from refunds.services import recovery, returns

MAX_ID_DIGITS = 19  # of PostgreSQL's bigint


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
            approve_amount(returns),
            Return.UNDECIDED,
            AMOUNT_FIELDS,
            is_primary=True,
            offers_next=True,
        ),
        CaseAction("take_back", _("Revoke approval"), take_back(recovery), {Return.Status.APPROVED}, REASON_FIELDS),
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
        approved, waiting, refusals = 0, 0, []
        for case in queryset.order_by("due_at", "pk"):
            try:
                is_approved = returns.approve(case, request.user)
            except Refusal as refusal:
                refusals.append(f"{case}: {refusal}")
            else:
                self.log_change(request, case, gettext("Approved in bulk"))
                approved += is_approved
                waiting += not is_approved
        if approved:
            sentence = ngettext("%(count)d return approved.", "%(count)d returns approved.", approved)
            messages.success(request, sentence % {"count": approved})
        if waiting:
            sentence = ngettext(
                "%(count)d return needs a second person, so a supervisor has to approve it.",
                "%(count)d returns need a second person, so a supervisor has to approve them.",
                waiting,
            )
            messages.warning(request, sentence % {"count": waiting})
        for sentence in refusals:
            messages.warning(request, sentence)
