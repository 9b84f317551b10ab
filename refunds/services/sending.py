"""Sending money through gateways: claim a row, call outside any transaction, settle in one.

From the claim on a row is UNCLEAR: whoever finds it again, as after a killed worker, asks the gateway
what became of it before it sends it again, with the same key. WAITING means that nothing was ever sent.
"""

import logging
import random
import time
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction as database
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.transitions import Actor
from refunds.gateways import Answer, gateway_of
from refunds.gateways.answers import Done, Refused, Unclear, Unknown
from refunds.models import RefundTransaction
from refunds.services.money import Status, lock_transaction, note_done

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)  # longer than a gateway's calls for one row can take
RUN_SECONDS = 25.0  # no row is begun after that, so that the run ends within the task's time limit
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
RETRY_JITTER = 0.25  # of the wait, to either side


def send_due(now: datetime | None = None, store: str = "") -> Counter[str]:
    """Send what is due, of one store or of all. Several may run at once. Returns counts by answer.

    `done`, `refused` and `unclear`; the latter are asked again later.
    """
    ends_at = time.monotonic() + RUN_SECONDS
    counts: Counter[str] = Counter()
    while time.monotonic() < ends_at and (claimed := _claim(now or timezone.now(), store)) is not None:
        counts[_finish(claimed, _call(claimed), now or timezone.now())] += 1
    return counts


def _claim(now: datetime, store: str) -> RefundTransaction | None:
    with database.atomic():
        due = RefundTransaction.objects.due(now).order_by("next_try_at", "pk")
        if store:
            due = due.filter(order__store__slug=store)
        row = due.select_for_update(skip_locked=True, of=("self",)).first()
        if row is None:
            return None
        RefundTransaction.objects.filter(pk=row.pk).update(
            status=Status.UNCLEAR, tries=F("tries") + 1, leased_until=now + LEASE
        )
        return RefundTransaction.objects.select_related("order__store").get(pk=row.pk)


def _call(row: RefundTransaction) -> Answer:
    """The gateway's answer. What goes wrong in the call itself is unclear, too."""
    gateway = gateway_of(row.gateway)
    try:
        if row.tries > 1:
            known = gateway.ask(row)
            if not isinstance(known, Unknown):
                return known
        return gateway.send(row)
    except Exception:
        logger.exception("Refund %s could not be sent", row.pk)
        return Unclear(_("The portal failed at this refund; its log says how."))


def _finish(row: RefundTransaction, answer: Answer, now: datetime) -> str:
    """Write the answer down, unless somebody else settled it meanwhile. Returns what it was."""
    with database.atomic():
        current = lock_transaction(row)
        name = type(answer).__name__.lower()
        if current.status != Status.UNCLEAR:
            if isinstance(answer, Done) and current.store_reference != answer.reference:
                current.last_answer = answer.reference
                current.save(update_fields=["last_answer"])
            return name
        if isinstance(answer, Done):
            current.last_answer = ""
            note_done(current, answer.reference, Actor.PORTAL)
            return name
        current.last_answer = answer.why
        current.leased_until = None
        if isinstance(answer, Refused):
            current.status = Status.REFUSED
        else:
            current.next_try_at = now + retry_wait(current.tries)
        current.save()
    logger.warning("Refund %s is %s: %s", row.pk, name, answer.why)
    return name


def retry_wait(tries: int) -> timedelta:
    """How long to wait after so many tries: doubling, with jitter."""
    wait = min(FIRST_RETRY * 2 ** min(tries - 1, 20), LONGEST_RETRY)
    return wait * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311 (spreads load, guards nothing)
