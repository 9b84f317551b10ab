"""Opting out of follow-ups, and the signed link for it in each follow-up.

The link contains the id of an email instead of the address, so it reveals nothing and can't be forged.
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
    """Opt an address out of follow-ups. Returns False if it was already."""
    _row, is_new = OptOut.objects.get_or_create(email_key=address_subject(address), defaults={"source": source})
    return is_new


def switch_on(address: str) -> bool:
    """Opt an address in again, for future follow-ups. Returns False if it was not opted out."""
    deleted, _by_model = OptOut.objects.filter(email_key=address_subject(address)).delete()
    return bool(deleted)


def is_allowed(message: Message, kind: EmailKind, now: datetime) -> bool:
    """Whether an email may be sent now. Follow-ups may not after `closes_at` or an opt-out; others always may."""
    if kind.follow_up is None:
        return True
    too_late = FollowUp.objects.filter(Q(message=message) & Q(closes_at__lte=now))
    return not is_off(message.recipient) and not too_late.exists()


# --- The link -------------------------------------------------------------------------------------------


def opt_out_url(message: Message) -> str:
    return site_url(reverse("notifications:follow_ups", args=[_signer.sign(message.pk)]))


def read_token(token: str) -> Message | None:
    """The message whose link has this token; None if the token is invalid."""
    pk = _signer.read(token)
    return None if pk is None else Message.objects.filter(pk=pk).first()


def headers(message: Message) -> dict[str, str]:
    """The headers for the unsubscribe button of email programs (RFC 2369, RFC 8058)."""
    return {"List-Unsubscribe": f"<{opt_out_url(message)}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
