"""Django's actions for one case: each a service, the words and figures it wants, and when it is possible."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from cases import steps
from cases.models import Case
from cases.refusals import NotPossible
from orders.models import Order, Store

Entered = dict[str, Any]


def text_field(label: Any, *, required: bool) -> Callable[[Case], forms.Field]:
    return lambda case: forms.CharField(
        label=label, required=required, max_length=5000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


def line_field(label: Any, *, required: bool = True) -> Callable[[Case], forms.Field]:
    return lambda case: forms.CharField(
        label=label, required=required, max_length=200, widget=UnfoldAdminTextInputWidget()
    )


def _store(case: Case) -> forms.Field:
    return forms.ModelChoiceField(
        Store.objects.order_by("name"),
        label=_("Store"),
        required=False,
        help_text=_("Only needed where several stores have this number."),
        widget=UnfoldAdminSelectWidget(),
    )


NOTE = {"note": text_field(_("Internal note, for staff only"), required=False)}
TO_BUYER = {"text": text_field(_("To the buyer (goes into the mail)"), required=False)} | NOTE
QUESTION = {"text": text_field(_("Question to the buyer"), required=True)} | NOTE
REASON = {"text": text_field(_("Reason, as the buyer reads it"), required=True)} | NOTE
ORDER_NUMBER = {"number": line_field(_("Order number")), "store": _store}
ANSWER = {"text": text_field(_("What the buyer answered"), required=True)}
ONLY_NOTE = {"note": text_field(_("Internal note, for staff only"), required=True)}


@dataclass(frozen=True)
class CaseAction:
    """One action. `run(case, user, entered)` calls the service; `statuses` are those it is offered in.

    A text that `run` returns is shown on the page, once.
    """

    name: str
    label: Any
    run: Callable[[Any, User, Entered], object]
    statuses: Collection[str]
    fields: dict[str, Callable[[Any], forms.Field]]
    is_main: bool = False

    def form(self, case: Any, data: Any = None) -> forms.Form:
        """Its form for a case; fields are named after the action, so that several stand on one page."""
        made = forms.Form(data, prefix=self.name)
        for name, make in self.fields.items():
            made.fields[name] = make(case)
        return made


# --- What is done with every request --------------------------------------------------------------------------


def common_actions(case_type: Any, decline: Callable[..., None] = steps.decline) -> tuple[CaseAction, ...]:
    """The actions that every kind of request has."""
    not_asked = case_type.UNDECIDED - case_type.WAITS_FOR_BUYER
    return (
        CaseAction(
            "review",
            _("Take into review"),
            lambda case, by, entered: steps.take_into_review(case, by),
            {case_type.Status.RECEIVED},
            {},
        ),
        CaseAction(
            "ask",
            _("Ask the buyer"),
            lambda case, by, entered: steps.ask(case, by, entered["text"], entered["note"]),
            not_asked,
            QUESTION,
        ),
        CaseAction(
            "decline",
            _("Decline"),
            lambda case, by, entered: decline(case, by, entered["text"], entered["note"]),
            case_type.UNDECIDED,
            REASON,
        ),
        CaseAction(
            "note",
            _("Add a note"),
            lambda case, by, entered: steps.add_note(case, by, entered["note"]),
            case_type.Status.values,
            ONLY_NOTE,
        ),
    )


def order_named(entered: Entered) -> Order:
    """The one order with this number, of this store where it is said. Raises NotPossible."""
    found = Order.objects.for_number(entered["number"]).select_related("store")
    if entered["store"]:
        found = found.filter(store=entered["store"])
    orders = list(found[:2])
    if not orders:
        raise NotPossible(_("No order has this number. Please check it."))
    if len(orders) > 1:
        raise NotPossible(_("Several stores have an order of this number. Please choose the store, too."))
    return orders[0]
