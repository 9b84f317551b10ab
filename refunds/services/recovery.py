"""Actions for staff when a refund fails. Each leaves an entry in the history of its case.

A refund refused by a gateway can be sent again, made manually, or marked as done, or its approval can be revoked. An
unconfirmed refund is looked up at the gateway first. If the gateway doesn't know it, it can be marked as not sent,
which makes it a refused one.
"""

import logging
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction as db_transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.services import DECLINED, require_text
from cases.transitions import Actor, add_event, locked, status_label, transition
from refunds.gateways import GatewayResult, get_gateway
from refunds.gateways.results import RefundDone, RefundNotFound, RefundRefused, RefundUnclear
from refunds.models import RefundTransaction, StoreGateway
from refunds.services import transactions
from refunds.services.sending import LEASE
from refunds.services.transactions import RefundCase, Status, clean_reference, lock_transaction, record_refund

logger = logging.getLogger(__name__)


class WayOut(StrEnum):
    """An action for staff on a refund transaction."""

    MARK_DONE = "done"
    RETRY = "retry"
    MAKE_BY_HAND = "by_hand"
    LOOK_UP = "look_up"
    MARK_NOT_SENT = "not_sent"
    TAKE_BACK = "take_back"


def ways_out(transaction: RefundTransaction) -> list[WayOut]:
    """Return the actions that are possible for this transaction now. Empty only if it is done or no longer needed."""
    if transaction.status == Status.WAITING:
        is_manual = transaction.gateway == StoreGateway.Gateway.MANUAL
        return [WayOut.MARK_DONE if is_manual else WayOut.MAKE_BY_HAND, WayOut.TAKE_BACK]
    if transaction.status == Status.UNCLEAR:
        found = [WayOut.LOOK_UP, WayOut.MARK_DONE]
        return [*found, WayOut.MARK_NOT_SENT] if transaction.is_known_as_not_sent else found
    if RefundTransaction.objects.unresolved().filter(pk=transaction.pk).exists():
        return [WayOut.MARK_DONE, WayOut.RETRY, WayOut.MAKE_BY_HAND, WayOut.TAKE_BACK]
    return []


def retry(transaction: RefundTransaction, by: User, note: str = "") -> RefundTransaction:
    """Send a refused refund again, through the store's current gateway. Raises the same exceptions as
    `transactions.retry`.
    """
    with db_transaction.atomic():
        repeated = transactions.retry(transaction)
        _record(repeated.case, by, gettext("Refund retried."), note)
    return repeated


def make_by_hand(transaction: RefundTransaction, by: User, note: str = "") -> RefundTransaction:
    """Leave a refund that was refused or never sent to staff. Raises the same exceptions as `transactions.retry`."""
    with db_transaction.atomic():
        current = lock_transaction(transaction)
        if current.status == Status.WAITING and current.gateway != StoreGateway.Gateway.MANUAL:
            current.gateway = StoreGateway.Gateway.MANUAL
            current.save(update_fields=["gateway"])
        else:
            current = transactions.switch_to_manual(current)
        _record(current.case, by, gettext("Refund changed to manual."), note)
    return current


def mark_done(transaction: RefundTransaction, reference: str, by: User) -> None:
    """Record that a refund was made, with its reference; also an unconfirmed one that staff found at the gateway.

    Raises the same exceptions as `transactions.mark_done`.
    """
    with db_transaction.atomic():
        current = lock_transaction(transaction)
        if current.status != Status.UNCLEAR:
            transactions.mark_done(current, reference, by)
            return
        _record(current.case, by, gettext("Staff found the refund at the gateway."))
        record_refund(current, clean_reference(reference), Actor.STAFF, by=by)


def take_back_approval(case: RefundCase, by: User, reason: str, note: str = "") -> None:
    """Decline an approved return or withdrawal whose refund was not made. The reason is emailed to the buyer.

    Raises NotPossible while a gateway may be making the refund, and WrongStatus if the case isn't approved.
    """
    reason = require_text(reason, _("Enter a reason for the buyer."))
    with locked(case) as current:
        if current.status != type(current).Status.APPROVED:
            raise WrongStatus(status_label(current))
        rows = list(current.transactions.select_for_update(of=("self",)).order_by("pk"))
        if any(row.status == Status.UNCLEAR for row in rows):
            raise NotPossible(_("The gateway may have already made this refund. Check at the gateway first."))
        for row in rows:
            if row.status in (Status.WAITING, Status.REFUSED):
                row.status = Status.CANCELLED
                row.save(update_fields=["status"])
        columns: dict[str, Any] = {"amount_approved": None, "decided_at": timezone.now(), "decided_by": by}
        transition(current, DECLINED, Actor.STAFF, by=by, text=reason, note=note, **columns)


# --- Unclear refunds --------------------------------------------------------------------------------------


def look_up(transaction: RefundTransaction, by: User) -> GatewayResult | RefundNotFound:
    """Look up an unconfirmed refund at the gateway now, store the response, and return it.

    The lease of a worker doesn't matter, because a lookup changes nothing. Raises WrongStatus if the refund is no
    longer unconfirmed.
    """
    asked = RefundTransaction.objects.select_related("order__store").get(pk=transaction.pk)
    if asked.status != Status.UNCLEAR:
        raise WrongStatus(asked.get_status_display())
    may_be_in_flight = _may_be_in_flight(asked, timezone.now())
    result = _ask_gateway(asked)
    with db_transaction.atomic():
        current = lock_transaction(transaction)
        if current.status != Status.UNCLEAR:
            raise WrongStatus(current.get_status_display())
        if isinstance(result, RefundDone):
            current.last_answer = ""
            _record_lookup(current, by, gettext("Refund completed."))
            record_refund(current, result.reference, Actor.PORTAL)
        else:
            _store_answer(current, result, is_final=not may_be_in_flight and current.tries == asked.tries)
            _record_lookup(current, by, current.last_answer)
    return result


def _record_lookup(transaction: RefundTransaction, by: User, answer: str) -> None:
    _record(transaction.case, by, gettext("Checked at the gateway: %(answer)s") % {"answer": answer})


def _may_be_in_flight(transaction: RefundTransaction, now: datetime) -> bool:
    """Whether a worker may currently be sending it.

    A lease that ends later than any lease can is an error, and is ignored.
    """
    return transaction.leased_until is not None and now < transaction.leased_until <= now + LEASE


def _ask_gateway(transaction: RefundTransaction) -> GatewayResult | RefundNotFound:
    try:
        return get_gateway(transaction.gateway).look_up(transaction)
    except Exception:
        logger.exception("Refund %s could not be looked up", transaction.pk)
        return RefundUnclear(gettext("The portal couldn’t process this refund. See the log."))


def _store_answer(
    transaction: RefundTransaction, result: RefundNotFound | RefundRefused | RefundUnclear, *, is_final: bool
) -> None:
    """Store a lookup that found no completed refund. `is_final`: nothing was sent since it began."""
    if isinstance(result, RefundNotFound):
        transaction.last_answer = (
            gettext("The gateway has no record of this refund.")
            if is_final
            else gettext("Nothing found yet, but it may still be processing. Check again in a few minutes.")
        )
        transaction.not_found_at_try = transaction.tries if is_final else None
    else:
        transaction.last_answer = result.reason
        transaction.not_found_at_try = None
    if isinstance(result, RefundRefused):
        transaction.status = Status.REFUSED
        transaction.leased_until = None
    transaction.save()


def mark_not_sent(transaction: RefundTransaction, by: User, reason: str) -> None:
    """Mark an unconfirmed refund as refused, after a lookup that did not find it.

    Raises NotPossible without such a lookup since the last attempt, and WrongStatus if the refund isn't unconfirmed.
    """
    reason = require_text(reason, _("Enter why it wasn’t sent."))
    with db_transaction.atomic():
        current = lock_transaction(transaction)
        if current.status != Status.UNCLEAR:
            raise WrongStatus(current.get_status_display())
        if not current.is_known_as_not_sent:
            raise NotPossible(_("Check at the gateway first. This wasn’t done since the last attempt."))
        current.status = Status.REFUSED
        current.leased_until = None
        current.last_answer = gettext("Marked as not sent: %(reason)s") % {"reason": reason}
        current.save()
        _record(current.case, by, current.last_answer)


def _record(case: RefundCase, by: User, *notes: str) -> None:
    """Add an entry to the history of the case. The caller has locked its order."""
    case.refresh_from_db()
    add_event(case, case.status, Actor.STAFF, by=by, note="\n".join(filter(None, map(str.strip, notes))))
