"""What staff can do on the page of an order: each action with the permission it needs, its form and its service."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget

from cases.admin.actions import CleanedData
from licenses.models import Device
from licenses.services import devices
from licenses.services.download_extensions import extend_downloads
from notifications import kinds
from notifications.models import Message
from notifications.services import RepeatResult, repeat
from orders.access import send_link_for_staff
from orders.admin_widgets import DateInput
from orders.forms.base import EMAIL_LENGTH
from orders.models import Order
from orders.services.address_corrections import SameAddress, correct_address, end_freeze, undo_correction
from orders.services.confirmations import ResendResult, resend_confirmation
from orders.services.ending_access import end_all_access

MAX_YEARS_OF_DOWNLOADS = 10


class NotDone(Exception):
    """An action changed nothing; the text says why. `field` is the field of its form that caused it."""

    def __init__(self, sentence: Any, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class OrderAction:
    """A button, with a form if it needs input.

    `run(order, user, cleaned_data)` returns what was done, for the order's log, or raises NotDone. Actions on one row
    of the order, such as an email, name it in their form's hidden field `row`; the tab shows a button for each row.
    """

    name: str
    tab: str
    label: str | Promise
    permission: str
    run: Callable[[Order, User, CleanedData], str]
    explanation: str | Promise = ""
    make_fields: Callable[[Order], dict[str, forms.Field]] = lambda order: {}
    is_offered: Callable[[Order], bool] = lambda order: True
    is_for_rows: bool = False

    def form(self, order: Order, data: Any = None) -> forms.Form:
        form = forms.Form(data, auto_id=f"{self.name}-%s")
        form.fields.update(self.make_fields(order))
        return form


# --- The address and the access ---------------------------------------------------------------------------------------


def _correct(order: Order, by: User, entered: CleanedData) -> str:
    try:
        correction = correct_address(order, entered["new_email"], by=by)
    except SameAddress:
        raise NotDone(_("This is already the order’s email address."), "new_email") from None
    text = gettext("Address corrected from %(old)s to %(new)s.")
    return text % {"old": correction.old_email or "–", "new": correction.new_email}


def _undo(order: Order, by: User, entered: CleanedData) -> str:
    latest = order.address_corrections.active().select_related("root").order_by("-pk").first()
    if latest is None:
        raise NotDone(ALREADY_DONE)
    root = latest.root
    if not undo_correction(root if root is not None and root.undone_at is None else latest, by):
        raise NotDone(ALREADY_DONE)
    return gettext("Address correction undone.")


def _end_freeze(order: Order, by: User, entered: CleanedData) -> str:
    if not end_freeze(order):
        raise NotDone(ALREADY_DONE)
    return gettext("Freeze of returns and refunds ended.")


def _end_access(order: Order, by: User, entered: CleanedData) -> str:
    end_all_access(order)
    return gettext("All access ended, and a new password made.")


# --- Emails -----------------------------------------------------------------------------------------------------------

RESEND_REFUSALS = {
    ResendResult.NO_ADDRESS: _("The order has no email address. Correct the address first."),
    ResendResult.TOO_MANY: _("It was sent several times within the last hour. Try again later."),
}
REPEAT_REFUSALS = {
    RepeatResult.EXPIRES: _("This kind of email can’t be sent twice. Send a new access link or the confirmation."),
    RepeatResult.CANCELLED: _("This email was no longer needed, so it wasn’t sent."),
    RepeatResult.TOO_MANY: RESEND_REFUSALS[ResendResult.TOO_MANY],
}


def _resend_confirmation(order: Order, by: User, entered: CleanedData) -> str:
    if (result := resend_confirmation(order)) is not ResendResult.QUEUED:
        raise NotDone(RESEND_REFUSALS[result])
    return gettext("Confirmation sent to %(address)s.") % {"address": order.email}


def _send_link(order: Order, by: User, entered: CleanedData) -> str:
    if (result := send_link_for_staff(order)) is not ResendResult.QUEUED:
        raise NotDone(RESEND_REFUSALS[result])
    return gettext("Access link sent to %(address)s.") % {"address": order.email}


def _repeat(order: Order, by: User, entered: CleanedData) -> str:
    message = entered["row"]
    if (result := repeat(message)) is not RepeatResult.QUEUED:
        raise NotDone(REPEAT_REFUSALS[result])
    return gettext("Email sent again: %(email)s.") % {"email": kinds.label(message.kind)}


# --- Devices and downloads --------------------------------------------------------------------------------------------


def _release_device(order: Order, by: User, entered: CleanedData) -> str:
    device = entered["row"]
    try:
        devices.release(device, order, timezone.now(), by_staff=True)
    except devices.NotReleased as refusal:
        raise NotDone(refusal.sentence) from None
    return gettext("Device released: %(device)s.") % {"device": device}


def _extend_downloads(order: Order, by: User, entered: CleanedData) -> str:
    if not extend_downloads(order, entered["last_day"], by):
        raise NotDone(ALREADY_DONE)
    return gettext("Downloads extended until %(day)s.") % {"day": entered["last_day"].isoformat()}


def _check_last_day(order: Order) -> Callable[[Any], None]:
    today = timezone.now().astimezone(order.store.tzinfo).date()

    def check(day: Any) -> None:
        if day < today:
            raise ValidationError(_("Enter today or a later day."))
        if day.year > today.year + MAX_YEARS_OF_DOWNLOADS:
            message = gettext("Enter a day within the next %(years)d years.")
            raise ValidationError(message % {"years": MAX_YEARS_OF_DOWNLOADS})

    return check


def _row_field(rows: Any) -> dict[str, forms.Field]:
    errors = {"invalid_choice": _("It isn’t part of this order anymore."), "required": _("Choose one.")}
    return {"row": forms.ModelChoiceField(rows, widget=forms.HiddenInput, error_messages=errors)}


ALREADY_DONE = _("Nothing to do: this was already done.")
ACTIONS = {
    action.name: action
    for action in (
        OrderAction(
            "correct",
            "overview",
            _("Correct the address"),
            "orders.add_addresscorrection",
            _correct,
            _(
                "First verify that the order belongs to the person who’s asking. The previous address is notified "
                "and can undo this for 48 hours after that email is sent. Until then, returns, refunds and swaps wait."
            ),
            lambda order: {
                "new_email": forms.EmailField(
                    label=_("Correct email address"),
                    max_length=EMAIL_LENGTH,
                    widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "off"}),
                )
            },
        ),
        OrderAction(
            "undo",
            "overview",
            _("Undo the correction"),
            "orders.change_addresscorrection",
            _undo,
            _(
                "Restores the previous address, ends all access to the order, and emails a new order password to "
                "that address. The removed addresses and support are notified."
            ),
            is_offered=lambda order: order.address_corrections.active().exists(),
        ),
        OrderAction(
            "end_freeze",
            "overview",
            _("End the freeze of returns and refunds"),
            "orders.change_addresscorrection",
            _end_freeze,
            _("Use this if you’ve verified the correction. It can still be undone."),
            is_offered=lambda order: order.is_frozen(timezone.now()),
        ),
        OrderAction(
            "end_access",
            "overview",
            _("End all access and make a new password"),
            "orders.change_order",
            _end_access,
            _(
                "Signs everyone out of the order and invalidates emailed links, download links and the order "
                "password. The order confirmation with the new password is emailed to the order’s address."
            ),
        ),
        OrderAction(
            "confirmation",
            "emails",
            _("Send the confirmation again"),
            "notifications.change_message",
            _resend_confirmation,
        ),
        OrderAction("link", "emails", _("Send an access link"), "notifications.change_message", _send_link),
        OrderAction(
            "repeat",
            "emails",
            _("Send again"),
            "notifications.change_message",
            _repeat,
            make_fields=lambda order: _row_field(Message.objects.about_order(order.pk)),
            is_for_rows=True,
        ),
        OrderAction(
            "release",
            "items",
            _("Release"),
            "licenses.add_devicerelease",
            _release_device,
            make_fields=lambda order: _row_field(
                Device.objects.in_use().filter(license__licensed_lines__order=order).distinct()
            ),
            is_for_rows=True,
        ),
        OrderAction(
            "extend",
            "items",
            _("Extend the downloads"),
            "licenses.add_downloadextension",
            _extend_downloads,
            _("If the order’s own period ends earlier, the buyer can download until this day."),
            lambda order: {
                "last_day": forms.DateField(
                    label=_("Last day"), widget=DateInput(), validators=[_check_last_day(order)]
                )
            },
        ),
    )
}
