"""Emailed links to one thread: good for 60 minutes from their first sending, once, and opened by a button."""

from datetime import datetime

from django.core import signing
from django.utils import timezone

from orders.links import LIFETIME, LinkState
from support.models import ThreadLink

_signer = signing.Signer(sep=".", salt="support.thread_links")


def make_token(link: ThreadLink) -> str:
    """The token to put into the mail. Called at the moment of sending: the first call starts the 60 minutes."""
    now = timezone.now()
    if ThreadLink.objects.filter(pk=link.pk, first_sent_at=None).update(first_sent_at=now):
        link.first_sent_at = now
    return _signer.sign(str(link.pk))


def read_token(token: str) -> ThreadLink | None:
    """The link that this token was made for, in whatever state; None where we never made it."""
    try:
        pk = int(_signer.unsign(token.replace("\x00", "")))
    except (signing.BadSignature, ValueError):
        return None
    return ThreadLink.objects.filter(pk=pk, first_sent_at__isnull=False).select_related("thread").first()


def state(link: ThreadLink | None, now: datetime) -> LinkState:
    if link is None or link.first_sent_at is None:
        return LinkState.INVALID
    if link.used_at is not None or now >= link.first_sent_at + LIFETIME:
        return LinkState.USED_OR_EXPIRED
    return LinkState.GOOD


def use(link: ThreadLink, now: datetime) -> bool:
    """Use the link up. False where it was used or had expired, also when two try at once."""
    live = ThreadLink.objects.filter(pk=link.pk, used_at=None, first_sent_at__gt=now - LIFETIME)
    return bool(live.update(used_at=now))
