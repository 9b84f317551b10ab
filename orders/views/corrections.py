"""Correcting a mistyped email address, and undoing it from the old one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from notifications.addresses import mask_address
from orders import access
from orders.access import Outcome, client_address
from orders.forms.corrections import CorrectEmailForm
from orders.http import INVALID, get_or_post, private, too_many_requests
from orders.models import UNDO_WITHIN, CorrectionLink
from orders.services.address_corrections import (
    MOST_CORRECTIONS,
    NotCorrected,
    SameAddress,
    TooLateToUndo,
    correct,
    undo_by_link,
)
from orders.views.find import INVALID_FORM, NOT_FOUND, TOO_MANY

HOURS = int(UNDO_WITHIN.total_seconds() // 3600)
GOOD, UNDONE, LATE, UNKNOWN = "good", "undone", "late", "unknown"
TEMPLATE = "orders/correct_email.html"
UNDO_STATUS = {GOOD: 200, UNDONE: 200, LATE: 410, UNKNOWN: 404}


@get_or_post
@private
def correct_email(request: HttpRequest) -> HttpResponse:
    """Prove the order and say the new address. Nothing is changed before it was read once more."""
    if request.method != "POST":
        return _form_page(request, CorrectEmailForm())
    form = CorrectEmailForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, INVALID_FORM)
    said = form.cleaned_data
    lookup = access.prove_address_correction(request, said["order_number"], said["password"], said["card_last4"])
    if lookup.outcome != Outcome.FOUND:
        return _form_page(request, form, TOO_MANY if lookup.outcome == Outcome.CLIENT_BLOCKED else NOT_FOUND)
    access.await_correction(request, lookup.orders[0], said["new_email"])
    return redirect("orders:correct_email_check")


def _form_page(request: HttpRequest, form: CorrectEmailForm, result: str = "") -> HttpResponse:
    content = {"form": form, "result": result, "hours": HOURS}
    if result == TOO_MANY:
        return too_many_requests(request, TEMPLATE, content)
    return render(request, TEMPLATE, content, status=INVALID if result else 200)


@get_or_post
@private
def correct_email_check(request: HttpRequest) -> HttpResponse:
    """Read both addresses once more; the button changes it."""
    awaited = access.awaited_correction(request)
    if awaited is None:
        return redirect("orders:correct_email")
    order, new_email = awaited
    if request.method == "POST":
        try:
            correct(order, new_email, client_address(request))
            words = gettext("Emails about this order go to %(address)s now. The confirmation is on its way there.")
            messages.success(request, words % {"address": new_email})
        except NotCorrected as why:
            messages.error(request, _why_not(why))
        access.forget_correction(request)
        return redirect("orders:order", order.public_id)
    content = {"order": order, "old": mask_address(order.email), "new": new_email, "hours": HOURS}
    return render(request, "orders/correct_email_check.html", content)


def _why_not(why: NotCorrected) -> str:
    if isinstance(why, SameAddress):
        return gettext("This is the address of the order already. Nothing was changed.")
    words = gettext(
        "This address was corrected %(count)s times in 30 days. Please write to support. Nothing was changed."
    )
    return words % {"count": MOST_CORRECTIONS}


@get_or_post
@private
def undo_correction(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button and changes nothing, because mail scanners follow links, too; POST undoes."""
    link = CorrectionLink.read_token(token)
    state = _state(link)
    if request.method == "POST" and link is not None and state == GOOD:
        try:
            undo_by_link(link)
            state = UNDONE
        except TooLateToUndo:
            state = LATE
    content = {"token": token, "state": state, "hours": HOURS, "correction": link.correction if link else None}
    if link is not None:
        order = link.correction.order
        content |= {"order": order, "zone": order.store.tzinfo, "new": mask_address(link.correction.new_email)}
    return render(request, "orders/correct_email_undo.html", content, status=UNDO_STATUS[state])


def _state(link: CorrectionLink | None) -> str:
    if link is None:
        return UNKNOWN
    if link.correction.undone_at is not None:
        return UNDONE
    return GOOD if timezone.now() < link.correction.undo_until else LATE
