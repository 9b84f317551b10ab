"""What can be done with a charge claim: taking it in, and saying which order it is about, or that none is."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.services import require_text
from cases.transitions import Actor, add_event, change_status
from notifications.services import send
from orders.models import AccessLink, Order
from orders.services.address_corrections import CorrectionError, correct_address
from orders.services.confirmations import order_language, resend_confirmation
from support.models import ChargeClaim, Thread
from support.services.threads import (
    Letter,
    Status,
    is_address_of,
    notify_writer,
    open_thread,
    say,
    shut,
    unseen_refused,
)

Outcome = ChargeClaim.Outcome


def file_claim(letter: Letter, known: Mapping[str, Any]) -> tuple[Thread, bool]:
    """Take a claim in: its letter, and what is known of the charge (columns of ChargeClaim).

    All or nothing. Returns the thread, and whether it is new. Raises files.services.FileRejected.
    """
    with transaction.atomic():
        thread, is_new = open_thread(letter)
        if is_new:
            ChargeClaim.objects.create(thread=thread, **known)
    return thread, is_new


def match(
    claim: ChargeClaim,
    order: Order,
    by: User,
    text: str = "",
    seen: int | None = None,
    *,
    mend_address: bool = False,
) -> None:
    """Say which order the charge belongs to, and let the buyer have it.

    Its confirmation goes out again, to the order's own address only. Where that is the claim's address, too,
    the buyer's mail carries a link that opens the order; else it names the order's address, masked. With
    `mend_address` the claim's address becomes the order's first: the old one is told, and can undo it. The thread
    stays open for what the buyer may still say, and a better match stays possible. Raises WrongStatus, ReadAnew,
    NotPossible.
    """
    with unseen_refused(claim.thread, seen) as thread:
        current = _lock(claim)
        mends = mend_address and not is_address_of(order, thread.email)
        if current.matched_order_id == order.pk and not mends:
            raise WrongStatus(current.get_outcome_display())
        if mends:
            order = _mend_address(order, thread, by)
        thread.order, thread.store = order, order.store
        thread.assigned_to = thread.assigned_to or by
        before, thread.closed_at = thread.status, None
        change_status(thread, Status.ANSWERED, Actor.STAFF)
        thread.save()
        _decide(current, Outcome.MATCHED, by, order)
        note = gettext("Matched to order %(number)s.") % {"number": order}
        add_event(thread, thread.status, Actor.STAFF, by=by, note=note)
        with override(thread.language):
            words = text.strip() or gettext("We found the order that you were charged for.")
        message = say(thread, Actor.STAFF, words, before=before, by=by)
        if is_address_of(order, thread.email):
            page = reverse("orders:order", args=[order.public_id])
            link = AccessLink.objects.create(email=order.email, next_path=page)
            send("claim_matched", message, thread.email, str(link.pk), order_id=order.pk, language=thread.language)
        else:
            notify_writer(message, "claim_matched_elsewhere")
        resend_confirmation(order)


def _mend_address(order: Order, thread: Thread, by: User) -> Order:
    try:
        with override(order_language(order)):
            correct_address(order, thread.email, gettext("Support, %(reference)s") % {"reference": thread.reference})
    except CorrectionError as error:
        words = _("The address of this order was changed too often lately, and stays. Please match it without that.")
        raise NotPossible(words) from error
    note = gettext("The address of order %(number)s is this one now. The earlier one was told, and can undo it.")
    add_event(thread, thread.status, Actor.STAFF, by=by, note=note % {"number": order})
    return Order.objects.select_related("store").get(pk=order.pk)


def no_match(claim: ChargeClaim, by: User, text: str, seen: int | None = None) -> None:
    """Say that no order fits; the words to the buyer say what to do. Raises NotPossible, WrongStatus, ReadAnew."""
    words = require_text(text, _("Please write to the buyer what to do now."))
    with unseen_refused(claim.thread, seen) as thread:
        current = _lock(claim)
        _decide(current, Outcome.NO_MATCH, by)
        before = shut(thread, Actor.STAFF)
        notify_writer(say(thread, Actor.STAFF, words, before=before, by=by), "claim_not_found")


def _lock(claim: ChargeClaim) -> ChargeClaim:
    return ChargeClaim.objects.select_for_update(of=("self",)).get(pk=claim.pk)


def _decide(claim: ChargeClaim, outcome: ChargeClaim.Outcome, by: User, order: Order | None = None) -> None:
    """Raises WrongStatus where the table of outcomes has no such step."""
    if outcome not in claim.TRANSITIONS[claim.outcome]:
        raise WrongStatus(claim.get_outcome_display())
    claim.outcome, claim.matched_order = outcome, order
    claim.decided_at, claim.decided_by = timezone.now(), by
    claim.save()
