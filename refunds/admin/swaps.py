"""The queue of product swaps."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
)

from cases.admin.actions import (
    BUYER_TEXT_FIELDS,
    REASON_FIELDS,
    CaseAction,
    common_actions,
    text_input,
)
from orders.admin_money import money_column
from orders.admin_widgets import DateInput
from refunds.admin.requests import APPROVAL_FIELDS, RequestAdmin, approve
from refunds.models import Swap
from refunds.services import swaps

NEW_SERIAL_FIELDS = {
    "serial": text_input(_("New serial number")),
    "devices": lambda case: forms.IntegerField(
        label=_("Devices covered"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget()
    ),
    "expires_on": lambda case: forms.DateField(label=_("Valid until"), required=False, widget=DateInput()),
} | BUYER_TEXT_FIELDS


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
            approve(swaps),
            Swap.UNDECIDED,
            APPROVAL_FIELDS,
            is_primary=True,
            offers_next=True,
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
            offers_next=True,
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
