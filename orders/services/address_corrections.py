"""Mending the address of an order, and undoing it. The order locked, its history and the mails with it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject, email_key
from notifications.services import readdress, send, send_again
from orders.models import AccessLink, AddressCorrection, CorrectionLink, Order
from orders.services.confirmations import CONFIRMATION, language_of

MOST_CORRECTIONS = 3  # of one order, in this time
COUNTED_FOR = timedelta(days=30)
CORRECTED, UNDONE = "address_corrected_old", "address_correction_undone"
TOLD = (CORRECTED, UNDONE)  # these are for one address and no other
TO_OLD, TO_NEW = "old", "new"


class NotCorrected(Exception):
    """Nothing was changed."""


class SameAddress(NotCorrected):
    """It is the order's address already."""


class TooManyCorrections(NotCorrected):
    """It was corrected as often as it can be for now."""


class TooLateToUndo(NotCorrected):
    """The time to undo it by oneself is over; support still can."""


def correct(order: Order, new_email: str, client: str = "") -> AddressCorrection:
    """Send mail of this order to another address from now on, and freeze its returns while the old one can undo it.

    The caller has proven the order. What waits for the old address goes to the new one. Raises SameAddress,
    TooManyCorrections.
    """
    now = timezone.now()
    new_email = new_email.strip()
    with transaction.atomic():
        order = _locked(order.pk)
        old_email = order.email
        if address_subject(new_email) == address_subject(old_email):
            raise SameAddress
        if order.address_corrections.made_since(now - COUNTED_FOR).count() >= MOST_CORRECTIONS:
            raise TooManyCorrections
        correction = AddressCorrection.objects.create(
            order=order,
            old_email=old_email,
            old_contact_email=order.contact_email,
            new_email=new_email,
            made_at=now,
            client=client,
        )
        order.contact_email, order.returns_frozen_until = new_email, correction.undo_until
        order.save(update_fields=["contact_email", "email_key", "returns_frozen_until"])
        CorrectionLink.objects.create(correction=correction)
        readdress(order.pk, old_email, new_email, TOLD)
        language = get_language() or language_of(order)
        send(CORRECTED, correction, old_email, TO_OLD, order_id=order.pk, language=language)
        send_again(CONFIRMATION, order, new_email, order_id=order.pk, language=language)
    return correction


def undo_by_link(link: CorrectionLink) -> None:
    """As `undo`, for whoever reads the old mailbox; uses the link up. Raises TooLateToUndo."""
    correction, now = link.correction, timezone.now()
    if correction.undone_at is not None:
        return
    with transaction.atomic():
        if now >= correction.undo_until or not link.use(now):
            raise TooLateToUndo
        undo(correction)


def undo(correction: AddressCorrection) -> None:
    """Bring back the address that was there before, and with it end every later correction. Twice changes nothing.

    Links that were asked for with an address that is the order's no more are used up.
    """
    now = timezone.now()
    with transaction.atomic():
        order = _locked(correction.order_id)
        # The links that others got for their own corrections say nothing any more: what they mended is gone.
        ending = order.address_corrections.standing().filter(pk__gte=correction.pk).order_by("pk")
        corrections = list(ending)
        if correction.pk not in {each.pk for each in corrections}:
            return
        mistaken = {address_subject(each.new_email): each.new_email for each in corrections}
        order.contact_email = correction.old_contact_email
        ending.update(undone_at=now)
        order.returns_frozen_until = _still_frozen(order.address_corrections.standing(), now)
        order.save(update_fields=["contact_email", "email_key", "returns_frozen_until"])
        for address in mistaken.values():
            readdress(order.pk, address, order.email, TOLD)
            _use_up_links(address, correction, now)
        language = language_of(order)
        send(UNDONE, correction, order.email, TO_OLD, order_id=order.pk, language=language)
        for number, address in enumerate(mistaken.values()):
            send(UNDONE, correction, address, f"{TO_NEW}-{number}", order_id=order.pk, language=language)


def _use_up_links(address: str, correction: AddressCorrection, now: datetime) -> None:
    """Those that were asked for with this address since the correction."""
    if key := email_key(address):
        AccessLink.objects.filter(email_key=key, created_at__gte=correction.made_at, used_at=None).update(used_at=now)


def _still_frozen(standing: QuerySet[AddressCorrection], now: datetime) -> datetime | None:
    """Until when an earlier correction can still be undone."""
    latest = standing.order_by("-made_at").first()
    return latest.undo_until if latest is not None and latest.undo_until > now else None


def _locked(order_id: int) -> Order:
    return Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order_id)
