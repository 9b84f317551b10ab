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
from orders.drafts import Draft, SeeOther
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
from orders.views.results import INVALID_FORM, REFUSED, TOO_MANY, Result

UNDO_HOURS = int(UNDO_PERIOD.total_seconds() // 3600)
VALID, UNDONE, LATE, UNKNOWN = "valid", "undone", "late", "unknown"
TEMPLATE = "orders/correct_email.html"
UNDO_STATUS_CODES = {VALID: 200, UNDONE: 200, LATE: 410, UNKNOWN: 404}


@get_or_post
@no_store
def correct_email(request: HttpRequest) -> HttpResponse:
    """The first step: verify access to the order, and keep the new address until it is confirmed."""
    draft = Draft(request, CorrectEmailForm.form_name)
    if request.method != "POST":
        return _typed_page(request, draft) if draft.id else draft.start()
    form = CorrectEmailForm(request.POST)
    if not form.is_valid():
        return _keep(request, draft, form, Result(INVALID_FORM))
    data = form.cleaned_data
    lookup = access.find_for_correction(request, data["order_number"], data["password"], data["card_last4"])
    if lookup.outcome != Outcome.FOUND:
        return _keep(request, draft, form, Result.of_failed(lookup))
    order = lookup.orders[0]
    try:
        check_correctable(order)
    except CorrectionError as error:
        return _keep(request, draft, form, Result(REFUSED, refused_order=str(order.public_id)), _error_message(error))
    draft.save(form)
    access.save_pending_correction(request, draft.id, order, data["new_email"])
    return SeeOther(draft.url(reverse("orders:correct_email_check")))


def _keep(request: HttpRequest, draft: Draft, form: CorrectEmailForm, result: Result, reason: str = "") -> HttpResponse:
    """Redirect to the form with its result. Without a draft, show it immediately."""
    if not draft.save(form, result.to_session()):
        return _form_page(request, draft, form, result, reason)
    return SeeOther(draft.url(reverse("orders:correct_email")))


def _typed_page(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Show the form with the previous input and result."""
    if (typed := draft.load()) is None:
        return _form_page(request, draft, CorrectEmailForm(), Result())
    form = typed.show(CorrectEmailForm(typed.data))
    result = Result.from_session(typed.outcome, form)
    if result.code != REFUSED:
        return _form_page(request, draft, form, result)
    # The access that the lookup gave decides whether the reason is still shown.
    order = access.granted_orders(request).filter(public_id=result.refused_order).first()
    try:
        if order is not None and access.is_owner_confirmed(request, order):
            check_correctable(order)
    except CorrectionError as error:
        return _form_page(request, draft, form, result, _error_message(error))
    return _form_page(request, draft, form, Result())


def _form_page(
    request: HttpRequest, draft: Draft, form: CorrectEmailForm, result: Result, reason: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "language_forms": [draft.shown(form, result.to_session())],
        "result": result.code,
        "reason": reason,
        "hours": UNDO_HOURS,
    }
    if result.code == TOO_MANY:
        return too_many_requests(request, TEMPLATE, context, result.retry_at)
    return render(request, TEMPLATE, context, status=UNPROCESSABLE if result.code else 200)


@get_or_post
@no_store
def correct_email_check(request: HttpRequest) -> HttpResponse:
    """The second step: show both addresses, and change the address when this is confirmed by POST."""
    draft = Draft(request, CorrectEmailForm.form_name)
    pending = access.pending_correction(request, draft.id)
    if pending is None:
        return redirect("orders:correct_email")
    order, new_email = pending
    if request.method == "POST":
        access.clear_pending_correction(request, draft.id)
        draft.drop()
        try:
            correct_address(order, new_email, client_address(request))
            text = gettext("We’ve corrected the address. Your order confirmation is on its way to %(address)s.")
            messages.success(request, text % {"address": new_email})
        except AccessEnded:  # it was undone in the meantime
            return access.redirect_to_find_page(reverse("orders:order", args=[order.public_id]))
        except CorrectionError as error:
            messages.error(request, _error_message(error))
        return redirect("orders:order", order.public_id)
    context = {
        "order": order,
        "old": mask_address(order.email),
        "new": new_email,
        "hours": UNDO_HOURS,
        "form_url": draft.url(reverse("orders:correct_email")),
    }
    return render(request, "orders/correct_email_check.html", context)


def _error_message(error: CorrectionError) -> str:
    if isinstance(error, SameAddress):
        return gettext("The order already has this address. We didn’t change anything.")
    if isinstance(error, StillUndoable):
        return _still_undoable_message(error)
    text = gettext(
        "This order’s address was corrected %(count)s times in 30 days, the most we allow here. Contact support to "
        "correct it again. We didn’t change anything."
    )
    return text % {"count": MAX_CORRECTIONS}


def _still_undoable_message(error: StillUndoable) -> str:
    if not error.old_email:
        return gettext(
            "This order’s address was corrected recently. For 48 hours, only support can correct it again. We didn’t"
            " change anything."
        )
    text = gettext(
        "This order’s address was corrected recently. If that wasn’t you, open our email about it to %(address)s and"
        " undo the change there. This also signs out the person who made it. If you want another address, contact"
        " support: for 48 hours, only support can correct it again. We didn’t change anything."
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
