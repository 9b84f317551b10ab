"""Who wants no follow-ups, and the signed link in each of them by which they say so.

The link names a mail, not an address: it tells nothing to whoever finds it in a log, and nobody makes one.
"""

from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from notifications.addresses import address_subject
from notifications.kinds import EmailKind
from notifications.models import FollowUp, Message, OptOut
from notifications.site import site_url
from notifications.tokens import TokenSigner

_signer = TokenSigner("notifications.opt_outs")
Source = OptOut.Source


def is_off(address: str) -> bool:
    return OptOut.objects.filter(email_key=address_subject(address)).exists()


def switch_off(address: str, source: OptOut.Source) -> bool:
    """No follow-ups to this address any more. Twice changes nothing. Returns whether it was on."""
    _row, is_new = OptOut.objects.get_or_create(email_key=address_subject(address), defaults={"source": source})
    return is_new


def switch_on(address: str) -> bool:
    """Follow-ups again, of what comes from now on. Returns whether they were off."""
    gone, _by_model = OptOut.objects.filter(email_key=address_subject(address)).delete()
    return bool(gone)


def may_go(message: Message, kind: EmailKind, now: datetime) -> bool:
    """Asked at the moment of sending: what must be told always goes, a follow-up only while it is welcome."""
    if kind.follow_up is None:
        return True
    too_late = FollowUp.objects.filter(Q(message=message) & Q(closes_at__lte=now))
    return not is_off(message.recipient) and not too_late.exists()


# --- The link -------------------------------------------------------------------------------------------


def link_of(message: Message) -> str:
    return site_url(reverse("notifications:follow_ups", args=[_signer.sign(message.pk)]))


def read_token(token: str) -> Message | None:
    """The mail whose link this is; None where we never made it."""
    pk = _signer.read(token)
    return None if pk is None else Message.objects.filter(pk=pk).first()


def headers(message: Message) -> dict[str, str]:
    """What mail programs make their button of (RFC 2369, RFC 8058)."""
    return {"List-Unsubscribe": f"<{link_of(message)}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
