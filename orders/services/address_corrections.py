"""Correcting the email address of an order, and undoing it: order, history and emails in one transaction."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject, email_key
from notifications.services import readdress, send, send_again
from orders.models import AccessLink, AddressCorrection, CorrectionLink, Order
from orders.services.confirmations import CONFIRMATION, order_language

MAX_CORRECTIONS = 3  # of one order, within CORRECTIONS_WINDOW
CORRECTIONS_WINDOW = timedelta(days=30)
CORRECTED, UNDONE = "address_corrected_old", "address_correction_undone"
ADDRESS_BOUND_KINDS = (CORRECTED, UNDONE)  # emails that are never redirected to another address
TO_OLD, TO_NEW = "old", "new"


class CorrectionError(Exception):
    """The address was not changed."""


class SameAddress(CorrectionError):
    """The order has this address already."""


class TooManyCorrections(CorrectionError):
    """The order had MAX_CORRECTIONS within CORRECTIONS_WINDOW."""


class TooLateToUndo(CorrectionError):
    """The link to undo the correction has expired. Support can still undo it."""


def correct_address(order: Order, new_email: str, client: str = "") -> AddressCorrection:
    """Change the email address of an order, and freeze its returns for as long as the old address can undo this.

    The caller has verified who asks for it. Unsent emails to the old address are redirected to the new one. Raises
    SameAddress or TooManyCorrections.
    """
    now = timezone.now()
    new_email = new_email.strip()
    with transaction.atomic():
        order = _lock_order(order.pk)
        old_email = order.email
        if address_subject(new_email) == address_subject(old_email):
            raise SameAddress
        if order.address_corrections.made_since(now - CORRECTIONS_WINDOW).count() >= MAX_CORRECTIONS:
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
        readdress(order.pk, old_email, new_email, ADDRESS_BOUND_KINDS)
        language = get_language() or order_language(order)
        send(CORRECTED, correction, old_email, TO_OLD, order_id=order.pk, language=language)
        send_again(CONFIRMATION, order, new_email, order_id=order.pk, language=language)
    return correction


def undo_correction_by_link(link: CorrectionLink) -> None:
    """Undo a correction with the link that was emailed to the old address. Raises TooLateToUndo."""
    correction, now = link.correction, timezone.now()
    if correction.undone_at is not None:
        return
    with transaction.atomic():
        if now >= correction.undo_until or not link.mark_used(now):
            raise TooLateToUndo
        undo_correction(correction)


def undo_correction(correction: AddressCorrection) -> None:
    """Restore the address from before a correction, which also undoes every later correction. Idempotent.

    Access links that were requested with one of the removed addresses are used up.
    """
    now = timezone.now()
    with transaction.atomic():
        order = _lock_order(correction.order_id)
        # The undo links of later corrections become void: those corrections end here, too.
        undone = order.address_corrections.active().filter(pk__gte=correction.pk).order_by("pk")
        corrections = list(undone)
        if correction.pk not in {later.pk for later in corrections}:
            return
        removed = {address_subject(later.new_email): later.new_email for later in corrections}
        order.contact_email = correction.old_contact_email
        undone.update(undone_at=now)
        order.returns_frozen_until = _frozen_until(order.address_corrections.active(), now)
        order.save(update_fields=["contact_email", "email_key", "returns_frozen_until"])
        for address in removed.values():
            readdress(order.pk, address, order.email, ADDRESS_BOUND_KINDS)
            _use_up_links(address, correction, now)
        language = order_language(order)
        send(UNDONE, correction, order.email, TO_OLD, order_id=order.pk, language=language)
        for number, address in enumerate(removed.values()):
            send(UNDONE, correction, address, f"{TO_NEW}-{number}", order_id=order.pk, language=language)


def _use_up_links(address: str, correction: AddressCorrection, now: datetime) -> None:
    """Use up the access links that were requested with this address since the correction."""
    if key := email_key(address):
        AccessLink.objects.filter(email_key=key, created_at__gte=correction.made_at, used_at=None).update(used_at=now)


def _frozen_until(active: QuerySet[AddressCorrection], now: datetime) -> datetime | None:
    """Return until when the latest active correction can be undone; None if it no longer can."""
    latest = active.order_by("-made_at").first()
    return latest.undo_until if latest is not None and latest.undo_until > now else None


def _lock_order(order_id: int) -> Order:
    return Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order_id)
