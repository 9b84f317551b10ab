"""What staff can do with a case: each a service, the words and figures it wants, and when it is possible."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from orders.models import Store
from refunds.amounts import smallest
from refunds.models import Case, Return

Said = dict[str, Any]


def _text(label: Any, *, required: bool) -> Callable[[Case], forms.Field]:
    return lambda case: forms.CharField(
        label=label, required=required, max_length=5000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


def _line(label: Any, *, required: bool = True) -> Callable[[Case], forms.Field]:
    return lambda case: forms.CharField(
        label=label, required=required, max_length=200, widget=UnfoldAdminTextInputWidget()
    )


def _amount(case: Case) -> forms.Field:
    most = case.amount.quantize(smallest(case.currency)) if isinstance(case, Return) else None
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


def _store(case: Case) -> forms.Field:
    return forms.ModelChoiceField(
        Store.objects.order_by("name"),
        label=_("Store"),
        required=False,
        help_text=_("Only needed where several stores have this number."),
        widget=UnfoldAdminSelectWidget(),
    )


NOTE = {"note": _text(_("Internal note, for staff only"), required=False)}
TO_BUYER = {"text": _text(_("To the buyer (goes into the mail)"), required=False)} | NOTE
QUESTION = {"text": _text(_("Question to the buyer"), required=True)} | NOTE
REASON = {"text": _text(_("Reason, as the buyer reads it"), required=True)} | NOTE
AMOUNT = {"amount": _amount} | TO_BUYER
REFERENCE = {"reference": _line(_("Reference of the payout"))} | TO_BUYER
ORDER_NUMBER = {"number": _line(_("Order number")), "store": _store}
ANSWER = {"text": _text(_("What the buyer answered"), required=True)}
NEW_SERIAL = {
    "serial": _line(_("New serial number")),
    "devices": lambda case: forms.IntegerField(
        label=_("Devices covered"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget()
    ),
    "expires_on": lambda case: forms.DateField(
        label=_("Runs until"), required=False, widget=UnfoldAdminSingleDateWidget()
    ),
} | TO_BUYER
ONLY_NOTE = {"note": _text(_("Internal note, for staff only"), required=True)}


@dataclass(frozen=True)
class Verb:
    """One decision. `run(case, user, said)` calls the service; `statuses` are those it is offered in.

    A text that `run` returns is shown on the page, once.
    """

    name: str
    label: Any
    run: Callable[[Any, User, Said], object]
    statuses: Collection[str]
    fields: dict[str, Callable[[Any], forms.Field]]
    is_main: bool = False

    def form(self, case: Any, data: Any = None) -> forms.Form:
        """Its form for a case; fields are named as the verb, so that several stand on one page."""
        made = forms.Form(data, prefix=self.name)
        for name, make in self.fields.items():
            made.fields[name] = make(case)
        return made
