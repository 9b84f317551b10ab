"""Requests of people for a copy of their data, or for its erasure.

Anyone can ask with any address. An emailed link, which works once, confirms the request. Then it waits for a
supervisor: a mailbox may have been taken over, and an erasure can't be undone. A copy is made when the person opens a
second emailed link, so that no file with all data of a person lies anywhere.
"""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from desk.models import ExportLink, PersonRequest
from desk.privacy.notices import notify_released, notify_requested
from notifications.addresses import address_subject, email_key
from orders.access import client_address
from orders.rate_limits import Rate, RateLimit, consume, next_attempt_at

CLIENT_RATE = Rate(short=10, long=40)
ADDRESS_RATE = Rate(short=3, long=6)  # requests with one address


def ask(request: HttpRequest, address: str, kind: PersonRequest.Kind) -> datetime | None:
    """Email a link that confirms a request to this address, if anything is held about it.

    Returns None, or when the next request will be accepted. Known and unknown addresses are treated alike.
    """
    now = timezone.now()
    limits = [
        RateLimit("person-request-client", client_address(request), CLIENT_RATE),
        RateLimit("person-request", address_subject(address), ADDRESS_RATE),
    ]
    if not consume(limits, now):
        return next_attempt_at(limits, now)
    if key := email_key(address):
        with transaction.atomic():
            asked = PersonRequest.objects.create(kind=kind, email_key=key, language=get_language() or "")
            notify_requested(asked)
    return None


def confirm(asked: PersonRequest) -> bool:
    """Use up the link of a request. From then on, it waits for staff. Returns False if it was used or has expired."""
    return asked.mark_used(timezone.now())


def release_copy(asked: PersonRequest, by_name: str) -> bool:
    """Email the link to the copy of the data. Returns False if the request isn't waiting, or isn't for a copy."""
    with transaction.atomic():
        if not _settle(asked, PersonRequest.Kind.COPY, PersonRequest.Outcome.DONE, by_name):
            return False
        notify_released(ExportLink.objects.create(request=asked))
    return True


def decline(asked: PersonRequest, by_name: str) -> bool:
    """Close a request without carrying it out. Staff tell the person why. Returns False if it isn't waiting."""
    return _settle(asked, asked.kind, PersonRequest.Outcome.DECLINED, by_name)


def _settle(asked: PersonRequest, kind: str, outcome: PersonRequest.Outcome, by_name: str) -> bool:
    """Of two simultaneous calls, one returns True."""
    waiting = PersonRequest.objects.waiting().filter(pk=asked.pk, kind=kind)
    return bool(waiting.update(outcome=outcome, settled_at=timezone.now(), settled_by_name=by_name[:150]))
