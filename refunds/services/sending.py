"""Send due refunds through gateways: claim a row, call the gateway outside a transaction, store the result.

Claiming sets the status to UNCLEAR. A worker that claims such a row again, for example after another worker was killed,
looks up the refund at the gateway before sending it again with the same key. WAITING means never sent.
"""

import logging
import random
import time
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction as db_transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.transitions import Actor, lock_order
from notifications.models import OutgoingHold
from refunds.gateways import GatewayResult, get_gateway
from refunds.gateways.results import RefundDone, RefundNotFound, RefundRefused, RefundUnclear
from refunds.models import RefundTransaction
from refunds.services.transactions import Status, blocking_reason, lock_transaction, record_refund, refuse

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)  # longer than a gateway's calls for one row can take
MAX_RUN_SECONDS = 25.0  # no row is claimed after this, so that the run ends within the task's time limit
FIRST_RETRY_DELAY = timedelta(seconds=30)
MAX_RETRY_DELAY = timedelta(hours=1)
RETRY_JITTER = 0.25  # share of the delay, in either direction


def send_due(now: datetime | None = None, store: str = "") -> Counter[str]:
    """Send due refunds of one store (by slug) or of all. Several runs may work at the same time.

    Returns counts by result: "done", "refused" and "unclear". Unclear refunds are looked up again later.
    """
    ends_at = time.monotonic() + MAX_RUN_SECONDS
    counts: Counter[str] = Counter()
    if OutgoingHold.is_active():
        return counts
    while time.monotonic() < ends_at and (claimed := _claim(now or timezone.now(), store)) is not None:
        result = _call_gateway(claimed)
        _store_result(claimed, result, now or timezone.now())
        counts[result.name] += 1
    return counts


def _claim(now: datetime, store: str) -> RefundTransaction | None:
    """Return the next due row, claimed for this worker. A row that must no longer be sent is refused instead.

    As everywhere, the order is locked before the row, so that a simultaneous chargeback either stops the refund or
    comes after it.
    """
    skipped: list[int] = []
    while True:
        with db_transaction.atomic():
            due = RefundTransaction.objects.due(now).exclude(pk__in=skipped).order_by("next_try_at", "pk")
            if store:
                due = due.filter(order__store__slug=store)
            candidate = due.first()
            if candidate is None:
                return None
            order = lock_order(candidate.order_id)
            row = due.filter(pk=candidate.pk).select_for_update(skip_locked=True, of=("self",)).first()
            if row is None:  # another worker has claimed it in the meantime
                skipped.append(candidate.pk)
                continue
            row.order = order
            if row.status == Status.WAITING and (reason := blocking_reason(row)):
                refuse(row, reason)
                skipped.append(row.pk)
                continue
            RefundTransaction.objects.filter(pk=row.pk).update(
                status=Status.UNCLEAR, tries=F("tries") + 1, leased_until=now + LEASE
            )
            return RefundTransaction.objects.select_related("order__store").get(pk=row.pk)


def _call_gateway(row: RefundTransaction) -> GatewayResult:
    """Return the gateway's result. An exception counts as unclear."""
    gateway = get_gateway(row.gateway)
    try:
        if row.tries > 1:
            earlier = gateway.look_up(row)
            if not isinstance(earlier, RefundNotFound):
                return earlier
            # It was claimed before the order was blocked, and never reached the gateway.
            if reason := blocking_reason(row):
                return RefundRefused(str(reason.label))
        return gateway.send(row)
    except Exception:
        logger.exception("Refund %s could not be sent", row.pk)
        return RefundUnclear(_("The portal couldn’t process this refund. See the log."))


def _store_result(row: RefundTransaction, result: GatewayResult, now: datetime) -> None:
    """Store the result, unless the transaction was completed in another way in the meantime."""
    with db_transaction.atomic():
        current = lock_transaction(row)
        if current.status != Status.UNCLEAR:
            if isinstance(result, RefundDone) and current.store_reference != result.reference:
                current.last_answer = result.reference
                current.save(update_fields=["last_answer"])
            return
        if isinstance(result, RefundDone):
            current.last_answer = ""
            if result.amount is not None:
                current.amount = min(result.amount, current.amount)  # a gateway may have to round down
            record_refund(current, result.reference, Actor.PORTAL)
            return
        current.last_answer = result.reason
        current.leased_until = None
        if isinstance(result, RefundRefused):
            current.status = Status.REFUSED
        else:
            current.next_try_at = now + retry_delay(current.tries)
        current.save()
    logger.warning("Refund %s is %s: %s", row.pk, result.name, result.reason)


def retry_delay(tries: int) -> timedelta:
    """Return the delay before the next attempt. It doubles with each attempt, with random jitter."""
    delay = min(FIRST_RETRY_DELAY * 2 ** min(tries - 1, 20), MAX_RETRY_DELAY)
    return delay * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311 (spreads load, guards nothing)
