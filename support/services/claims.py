"""Changes of charge claims: creating one, matching it to an order, or recording that no order was found."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from cases.refusals import WrongStatus
from cases.services import require_text
from cases.transitions import Actor, add_event, change_status
from notifications.services import send
from orders.models import AccessLink, Order
from orders.services.address_corrections import SameAddress, correct_address
from orders.services.confirmations import order_language, resend_confirmation
from support.models import ChargeClaim, Thread, ThreadMessage
from support.services.threads import (
    ContactMessage,
    Status,
    add_message,
    is_order_address,
    locked_if_up_to_date,
    mark_closed,
    notify_buyer,
    open_thread,
)

Outcome = ChargeClaim.Outcome


def create_claim(contact_message: ContactMessage, claim_fields: Mapping[str, Any]) -> tuple[Thread, bool]:
    """Create a charge claim with its thread, all or nothing. `claim_fields` are columns of ChargeClaim.

    Returns the thread and whether it is new. Raises files.services.FileRejected.
    """
    with transaction.atomic():
        thread, is_new = open_thread(contact_message)
        if is_new:
            ChargeClaim.objects.create(thread=thread, **claim_fields)
    return thread, is_new


def match_to_order(
    claim: ChargeClaim,
    order: Order,
    by: User,
    text: str = "",
    last_seen_id: int | None = None,
    *,
    correct_order_address: bool = False,
) -> None:
    """Record that the charge belongs to this order, and notify the buyer. The claim can be matched again later.

    The order confirmation is sent again, only to the order's address. If that is also the claim's address, the buyer
    gets a link that opens the order; otherwise, the email shows the order's address masked. With
    `correct_order_address`, the order first gets the claim's address. The previous address is notified and can undo
    that.

    Raises WrongStatus, NewerMessageExists, NotPossible.
    """
    with locked_if_up_to_date(claim.thread, last_seen_id) as thread:
        current = _lock(claim)
        is_address_corrected = correct_order_address and not is_order_address(order, thread.email)
        if current.matched_order_id == order.pk and not is_address_corrected:
            raise WrongStatus(current.get_outcome_display())
        if is_address_corrected:
            order = _correct_address(order, thread, by)
        thread.set_order(order)
        thread.assigned_to = thread.assigned_to or by
        before, thread.closed_at = thread.status, None
        change_status(thread, Status.ANSWERED, Actor.STAFF)
        thread.save()
        _decide(current, Outcome.MATCHED, by, order)
        note = gettext("Matched to order %(number)s.") % {"number": order}
        add_event(thread, thread.status, Actor.STAFF, by=by, note=note)
        with override(thread.language):
            text = text.strip() or gettext("We found the order that you were charged for.")
        message = add_message(thread, Actor.STAFF, text, before=before, by=by)
        _notify_about_match(message, order)
        resend_confirmation(order)


def _notify_about_match(message: ThreadMessage, order: Order) -> None:
    thread = message.case
    if not is_order_address(order, thread.email):
        notify_buyer(message, "claim_matched_elsewhere")
        return
    page = reverse("orders:order", args=[order.public_id])
    link = AccessLink.objects.create(email_key=order.email_key, next_path=page)
    send("claim_matched", message, thread.email, str(link.pk), order_id=order.pk, language=thread.language)


def _correct_address(order: Order, thread: Thread, by: User) -> Order:
    with override(order_language(order)):
        client = gettext("Support, %(reference)s") % {"reference": thread.reference}
    try:
        correct_address(order, thread.email, client, by)
    except SameAddress:  # spelled the same, although the address is ambiguous
        return order
    note = gettext("Order %(number)s now has this email address. The previous address was notified and can undo this.")
    add_event(thread, thread.status, Actor.STAFF, by=by, note=note % {"number": order})
    return Order.objects.select_related("store").get(pk=order.pk)


def mark_no_match(claim: ChargeClaim, by: User, text: str, last_seen_id: int | None = None) -> None:
    """Record that no order was found, and close the thread with a message to the buyer.

    Raises NotPossible if the text is empty, WrongStatus, NewerMessageExists.
    """
    text = require_text(text, _("Enter a message to the buyer about the next steps."))
    with locked_if_up_to_date(claim.thread, last_seen_id) as thread:
        current = _lock(claim)
        _decide(current, Outcome.NO_MATCH, by)
        before = mark_closed(thread, Actor.STAFF)
        notify_buyer(add_message(thread, Actor.STAFF, text, before=before, by=by), "claim_not_found")


def _lock(claim: ChargeClaim) -> ChargeClaim:
    return ChargeClaim.objects.select_for_update(of=("self",)).get(pk=claim.pk)


def _decide(claim: ChargeClaim, outcome: ChargeClaim.Outcome, by: User, order: Order | None = None) -> None:
    """Set the outcome. Raises WrongStatus if ChargeClaim.TRANSITIONS does not allow it."""
    if outcome not in claim.TRANSITIONS[claim.outcome]:
        raise WrongStatus(claim.get_outcome_display())
    claim.outcome, claim.matched_order = outcome, order
    claim.decided_at, claim.decided_by = timezone.now(), by
    claim.save()
