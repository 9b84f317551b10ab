"""Pages to correct the email address of an order, and to undo a correction from the old address."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from notifications.addresses import mask_address
from orders import access
from orders.access import Outcome, client_address
from orders.forms.corrections import CorrectEmailForm
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import UNDO_PERIOD, CorrectionLink
from orders.services.address_corrections import (
    MAX_CORRECTIONS,
    AccessEnded,
    CorrectionError,
    SameAddress,
    StillUndoable,
    TooLateToUndo,
    check_correctable,
    correct_address,
    undo_correction_by_link,
    undo_deadline,
)
from orders.views.find import INVALID_FORM, NOT_FOUND, TOO_MANY

UNDO_HOURS = int(UNDO_PERIOD.total_seconds() // 3600)
REFUSED = "refused"  # the details are right, but the address cannot be corrected now
VALID, UNDONE, LATE, UNKNOWN = "valid", "undone", "late", "unknown"
TEMPLATE = "orders/correct_email.html"
UNDO_STATUS_CODES = {VALID: 200, UNDONE: 200, LATE: 410, UNKNOWN: 404}


@get_or_post
@no_store
def correct_email(request: HttpRequest) -> HttpResponse:
    """The first step: verify access to the order, and keep the new address until it is confirmed."""
    if request.method != "POST":
        return _form_page(request, CorrectEmailForm())
    form = CorrectEmailForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, INVALID_FORM)
    data = form.cleaned_data
    lookup = access.find_for_correction(request, data["order_number"], data["password"], data["card_last4"])
    if lookup.outcome != Outcome.FOUND:
        return _form_page(request, form, NOT_FOUND if lookup.retry_at is None else TOO_MANY, retry_at=lookup.retry_at)
    try:
        check_correctable(lookup.orders[0])
    except CorrectionError as error:
        return _form_page(request, form, REFUSED, _error_message(error))
    access.save_pending_correction(request, lookup.orders[0], data["new_email"])
    return redirect("orders:correct_email_check")


def _form_page(
    request: HttpRequest, form: CorrectEmailForm, result: str = "", reason: str = "", retry_at: datetime | None = None
) -> HttpResponse:
    context = {"form": form, "result": result, "reason": reason, "hours": UNDO_HOURS}
    if result == TOO_MANY:
        return too_many_requests(request, TEMPLATE, context, retry_at)
    return render(request, TEMPLATE, context, status=UNPROCESSABLE if result else 200)


@get_or_post
@no_store
def correct_email_check(request: HttpRequest) -> HttpResponse:
    """The second step: show both addresses, and change the address when this is confirmed by POST."""
    pending = access.pending_correction(request)
    if pending is None:
        return redirect("orders:correct_email")
    order, new_email = pending
    if request.method == "POST":
        try:
            correct_address(order, new_email, client_address(request))
            text = gettext("Emails about this order go to %(address)s now. The confirmation is on its way there.")
            messages.success(request, text % {"address": new_email})
        except AccessEnded:  # an undo came first
            access.clear_pending_correction(request)
            return access.redirect_to_find_page(reverse("orders:order", args=[order.public_id]))
        except CorrectionError as error:
            messages.error(request, _error_message(error))
        access.clear_pending_correction(request)
        return redirect("orders:order", order.public_id)
    context = {"order": order, "old": mask_address(order.email), "new": new_email, "hours": UNDO_HOURS}
    return render(request, "orders/correct_email_check.html", context)


def _error_message(error: CorrectionError) -> str:
    if isinstance(error, SameAddress):
        return gettext("This is the address of the order already. Nothing was changed.")
    if isinstance(error, StillUndoable):
        return _still_undoable_message(error)
    text = gettext(
        "This address was corrected %(count)s times in 30 days. Please write to support. Nothing was changed."
    )
    return text % {"count": MAX_CORRECTIONS}


def _still_undoable_message(error: StillUndoable) -> str:
    if not error.old_email:
        return gettext(
            "The address of this order was corrected a short time ago. Until its 48 hours are over, only support can"
            " correct it again. Nothing was changed."
        )
    text = gettext(
        "The address of this order was corrected a short time ago. If that wasn’t you, open our email about it, which"
        " went to %(address)s, and undo the change there: that also locks out whoever made it. If you want another"
        " address, contact support: until the 48 hours are over, only support can correct it again. Nothing was"
        " changed."
    )
    return text % {"address": mask_address(error.old_email)}


@get_or_post
@no_store
def undo_correction(request: HttpRequest, token: str) -> HttpResponse:
    """GET only shows a button, because email scanners follow links, too; POST undoes the correction."""
    link = CorrectionLink.get_by_token(token)
    state, until = _get_state(link)
    if request.method == "POST" and link is not None and state == VALID:
        try:
            undo_correction_by_link(link)
            state = UNDONE
        except TooLateToUndo:
            state = LATE
    context = {"token": token, "state": state, "hours": UNDO_HOURS}
    if link is not None:
        order = link.correction.order
        context |= {"order": order, "zone": order.locality, "new": mask_address(order.email), "until": until}
    return render(request, "orders/correct_email_undo.html", context, status=UNDO_STATUS_CODES[state])


def _get_state(link: CorrectionLink | None) -> tuple[str, datetime | None]:
    """Return the state of a link and, if it is known, until when it is valid."""
    if link is None:
        return UNKNOWN, None
    if link.correction.undone_at is not None:
        return UNDONE, None
    is_undoable, until = undo_deadline(link.correction, timezone.now())
    return (VALID if is_undoable else LATE), until
