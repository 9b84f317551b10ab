"""Staff actions on one case: the service to call, the form fields that it needs, and the statuses that allow it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from cases import services
from cases.models import Case
from cases.refusals import NotPossible
from orders.admin_widgets import DateInput
from orders.forms import CardNumberMaskingForm, MessageField
from orders.models import Order, Store

LONGEST_SNOOZE = timedelta(days=90)

CleanedData = dict[str, Any]
FieldFactory = Callable[[Any], forms.Field]


def textarea(label: Any, *, required: bool) -> Callable[[Case], forms.Field]:
    return lambda case: MessageField(
        label=label, required=required, max_length=5000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


def text_input(label: Any, *, required: bool = True) -> Callable[[Case], forms.Field]:
    return lambda case: forms.CharField(
        label=label, required=required, max_length=200, widget=UnfoldAdminTextInputWidget()
    )


def _store_field(case: Case) -> forms.Field:
    return forms.ModelChoiceField(
        Store.objects.order_by("name"),
        label=_("Store"),
        required=False,
        help_text=_("Only needed if several stores have an order with this number."),
        widget=UnfoldAdminSelectWidget(),
    )


# Form fields by name, for `CaseAction.fields`.
NOTE_FIELDS = {"note": textarea(_("Internal note, for staff only"), required=False)}
BUYER_TEXT_FIELDS = {"text": textarea(_("Message to the buyer (sent by email)"), required=False)} | NOTE_FIELDS
QUESTION_FIELDS = {"text": textarea(_("Question for the buyer"), required=True)} | NOTE_FIELDS
REASON_FIELDS = {"text": textarea(_("Reason for the buyer (sent by email)"), required=True)} | NOTE_FIELDS
ORDER_FIELDS = {"number": text_input(_("Order number")), "store": _store_field}
ANSWER_FIELDS = {"text": textarea(_("Buyer’s answer"), required=True)}
REQUIRED_NOTE_FIELDS = {"note": textarea(_("Internal note, for staff only"), required=True)}


@dataclass(frozen=True)
class Notice:
    """What an action tells the user instead of “saved”."""

    sentence: str


@dataclass(frozen=True)
class CaseAction:
    """One action, offered while the case has one of `statuses`.

    `run(case, user, cleaned_data)` calls the service. If it returns a string, the next page shows it once;
    it is never stored in a message or a cookie. A Notice is an ordinary message.
    """

    name: str
    label: Any
    run: Callable[[Any, User, CleanedData], object]
    statuses: Collection[str]
    fields: Mapping[str, FieldFactory]
    is_primary: bool = False
    offers_next: bool = False  # also offered with a button that leads to the next case
    permission: str = ""  # instead of Django's change permission of the kind of case

    def form(self, case: Any, data: Any = None) -> CardNumberMaskingForm:
        """Return the action's form. Its prefix is the action's name, because a page shows several of them."""
        form = CardNumberMaskingForm(data, prefix=self.name)
        for name, make_field in self.fields.items():
            form.fields[name] = make_field(case)
        return form


def _assignee_field(case: Any) -> forms.Field:
    """Only staff who may decide on this kind of case."""
    permission = f"{case._meta.app_label}.change_{case._meta.model_name}"
    may_decide = User.objects.with_perm(permission, backend="django.contrib.auth.backends.ModelBackend")
    return forms.ModelChoiceField(
        may_decide.filter(is_staff=True, is_active=True).order_by("username"),
        label=_("Assigned to"),
        required=False,
        initial=case.assigned_to_id,
        empty_label=str(_("not assigned")),
        widget=UnfoldAdminSelectWidget(),
    )


def _check_snooze(day: date) -> None:
    today = timezone.localdate()
    if not today < day <= today + LONGEST_SNOOZE:
        text = gettext("Enter a day from tomorrow on, at most %(days)d days from now.")
        raise ValidationError(text % {"days": LONGEST_SNOOZE.days})


def _snooze_field(case: Any) -> forms.Field:
    return forms.DateField(
        label=_("Until"),
        validators=[_check_snooze],
        widget=DateInput(),
        help_text=_("It’s shown again on that day, when the reply is due, or when the buyer answers."),
    )


def _snooze(case: Case, by: User, data: CleanedData) -> None:
    services.snooze(case, by, timezone.make_aware(datetime.combine(data["until"], time.min)))


def _tags_field(case: Any) -> forms.Field:
    return MessageField(
        label=_("Tags"),
        required=False,
        max_length=500,
        initial=", ".join(case.tags),
        help_text=_("Separated by commas, for example: gift, reseller"),
        widget=UnfoldAdminTextInputWidget(),
    )


def queue_actions(case_type: Any) -> tuple[CaseAction, ...]:
    """Return the actions on a case's place in the queue: take, assign, snooze, tag."""
    open_statuses = set(case_type.Status.values) - case_type.CLOSED
    return (
        CaseAction("take", _("Assign to me"), lambda case, by, data: services.assign(case, by, by), open_statuses, {}),
        CaseAction(
            "assign",
            _("Assign"),
            lambda case, by, data: services.assign(case, by, data["to"]),
            open_statuses,
            {"to": _assignee_field},
        ),
        CaseAction(
            "snooze",
            _("Snooze"),
            _snooze,
            case_type.UNDECIDED - case_type.WAITING_FOR_BUYER,
            {"until": _snooze_field},
            offers_next=True,
        ),
        CaseAction(
            "tag",
            _("Tags"),
            lambda case, by, data: services.set_tags(case, by, data["tags"].split(",")),
            case_type.Status.values,
            {"tags": _tags_field},
        ),
    )


def common_actions(case_type: Any, decline: Callable[..., None] = services.decline) -> tuple[CaseAction, ...]:
    """Return the actions that every kind of request has: review, ask, decline, note, and those on the queue."""
    can_ask = case_type.UNDECIDED - case_type.WAITING_FOR_BUYER
    return (
        CaseAction(
            "review",
            _("Start review"),
            lambda case, by, data: services.start_review(case, by),
            {case_type.Status.RECEIVED},
            {},
        ),
        CaseAction(
            "ask",
            _("Ask the buyer"),
            lambda case, by, data: services.ask_question(case, by, data["text"], data["note"]),
            can_ask,
            QUESTION_FIELDS,
            offers_next=True,
        ),
        CaseAction(
            "decline",
            _("Decline"),
            lambda case, by, data: decline(case, by, data["text"], data["note"]),
            case_type.UNDECIDED,
            REASON_FIELDS,
            offers_next=True,
        ),
        CaseAction(
            "note",
            _("Add note"),
            lambda case, by, data: services.add_note(case, by, data["note"]),
            case_type.Status.values,
            REQUIRED_NOTE_FIELDS,
        ),
        *queue_actions(case_type),
    )


def find_order(data: CleanedData) -> Order:
    """Return the order that `ORDER_FIELDS` name. Raises NotPossible unless exactly one matches."""
    matching = Order.objects.for_number(data["number"]).select_related("store")
    if data["store"]:
        matching = matching.filter(store=data["store"])
    orders = list(matching[:2])
    if not orders:
        raise NotPossible(_("No order has this number. Check the number and try again."))
    if len(orders) > 1:
        raise NotPossible(_("Several stores have an order with this number. Choose the store."))
    return orders[0]
