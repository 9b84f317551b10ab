"""Correcting the email address of an order, and undoing it: order, history and emails in one transaction.

Someone who knows number, password and card of an order can change its address. The previous address is therefore
notified and can undo the correction for 48 hours after its notice was actually sent. Until then, no refunds or license
changes are made (`Order.is_frozen`), and only staff can correct the address again. The right to undo always stays with
the address from before the first correction. Undoing ends all access to the order (see ending_access.py).

If the notice can't be sent because there is no old address, the mail server refuses it permanently, or it bounces, no
one can undo the correction by link. The 48 hours then begin when that is known. Staff see this and can undo until then,
and the buyer, whose old address was most likely mistyped, doesn't have to wait forever. If the mail server refuses the
notice temporarily, it is retried indefinitely, and the freeze lasts. Staff can end it (`end_freeze`).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from notifications.addresses import address_subject
from notifications.models import Message
from notifications.services import deliver_now, send, send_again
from orders.models import NO_END_YET, UNDO_PERIOD, AddressCorrection, CorrectionLink, Order
from orders.services.confirmations import CONFIRMATION, buyer_language, order_language
from orders.services.ending_access import ACCESS_COLUMNS, end_access

MAX_CORRECTIONS = 3  # of one order by its buyer, within CORRECTIONS_WINDOW
CORRECTIONS_WINDOW = timedelta(days=30)
CORRECTED, UNDONE = "address_corrected_old", "address_correction_undone"
UNDONE_FOR_SUPPORT = "address_correction_undone_support"
# Keys of messages: to the address that can undo, to one that the order had in between, to support.
TO_OLD, TO_PREVIOUS, TO_NEW, TO_SUPPORT = "old", "previous", "new", "support"
_ADDRESS_COLUMNS = ["contact_email", "email_key", "returns_frozen_since", "returns_frozen_until"]


class CorrectionError(Exception):
    """The address was not changed."""


class SameAddress(CorrectionError):
    """The order already has this address."""


class AccessEnded(CorrectionError):
    """All access to the order was ended, for example by an undo, since the caller verified the person."""


class TooManyCorrections(CorrectionError):
    """The order had MAX_CORRECTIONS within CORRECTIONS_WINDOW."""


class StillUndoable(CorrectionError):
    """An earlier correction can still be undone, so only staff correct the address. `old_email` can undo it."""

    def __init__(self, old_email: str) -> None:
        super().__init__(old_email)
        self.old_email = old_email


class TooLateToUndo(CorrectionError):
    """The link to undo the correction has expired. Support can still undo it."""


# --- Correcting --------------------------------------------------------------------------------------------------


def check_correctable(order: Order) -> None:
    """Raises StillUndoable or TooManyCorrections if the buyer cannot correct the address of this order now."""
    now = timezone.now()
    if (root := _undoable_root(order, now)) is not None:
        raise StillUndoable(root.old_email)
    if order.address_corrections.made_since(now - CORRECTIONS_WINDOW).count() >= MAX_CORRECTIONS:
        raise TooManyCorrections


def correct_address(order: Order, new_email: str, client: str = "", by: User | None = None) -> AddressCorrection:
    """Change the email address of an order, and freeze its returns for as long as the old address can undo this.

    The caller has verified the person. `by` is set for staff, who may correct an address at any time. Raises
    SameAddress and, for buyers, AccessEnded, StillUndoable or TooManyCorrections.
    """
    now = timezone.now()
    new_email = new_email.strip()
    proven_generation = order.access_generation
    with transaction.atomic():
        order = _lock_order(order.pk)
        if by is None and order.access_generation != proven_generation:
            raise AccessEnded
        if address_subject(new_email) == address_subject(order.email):
            raise SameAddress
        if by is None:
            check_correctable(order)
        root = _undoable_root(order, now)
        correction = AddressCorrection.objects.create(
            order=order,
            root=root,
            old_email=order.email,
            old_contact_email=order.contact_email,
            new_email=new_email,
            made_at=now,
            made_by=by,
            client=client,
        )
        # The language of the page where it was corrected is the buyer's; staff have their own.
        language = (get_language() if by is None else "") or order_language(order)
        _notify_old_addresses(correction, root or correction, language)
        order.contact_email = new_email
        _update_freeze(order, now)
        order.save(update_fields=_ADDRESS_COLUMNS)
        send_again(CONFIRMATION, order, new_email, order_id=order.pk, language=language)
    return correction


def _notify_old_addresses(correction: AddressCorrection, root: AddressCorrection, language: str) -> None:
    """Queue the notice with the link that undoes the root, and notify an address that the order had in between."""
    if root == correction:
        CorrectionLink.objects.create(correction=root)
    is_queued = send(CORRECTED, correction, root.old_email, TO_OLD, order_id=correction.order_id, language=language)
    if not is_queued:  # there is no old address
        correction.undo_until = correction.made_at + UNDO_PERIOD
        correction.save(update_fields=["undo_until"])
    if root != correction and address_subject(correction.old_email) != address_subject(root.old_email):
        send(
            CORRECTED,
            correction,
            correction.old_email,
            TO_PREVIOUS,
            order_id=correction.order_id,
            language=language,
        )


def record_notice_result(message: Message, status: Message.Status, at: datetime) -> None:
    """Start the 48 hours of a correction, because its notice was sent, or can't be.

    Called in the transaction that stores the result. If a notice bounced, another 48 hours are added.
    """
    correction = AddressCorrection.objects.active().filter(pk=message.object_id).first()
    if message.key != TO_OLD or correction is None:
        return
    order = _lock_order(correction.order_id)
    corrections = AddressCorrection.objects.active()
    if status == Message.Status.BOUNCED:
        corrections = corrections.undoable(at)
    corrections.filter(pk=correction.pk).update(undo_until=at + UNDO_PERIOD)
    _update_freeze(order, at)
    order.save(update_fields=_ADDRESS_COLUMNS)


# --- Undoing -----------------------------------------------------------------------------------------------------


def undo_deadline(correction: AddressCorrection, now: datetime) -> tuple[bool, datetime | None]:
    """Return whether the link can undo a correction now, and until when; None if that is not known yet.

    Later corrections by staff can only be undone together with it, so their time counts as well.
    """
    chain = AddressCorrection.objects.undoable(now).filter(Q(pk=correction.pk) | Q(root=correction.pk))
    ends = [until or NO_END_YET for until in chain.values_list("undo_until", flat=True)]
    latest = max(ends, default=None)
    return bool(ends), None if latest == NO_END_YET else latest


def undo_correction_by_link(link: CorrectionLink) -> None:
    """Undo a correction with the link that was emailed to the old address. Raises TooLateToUndo."""
    now = timezone.now()
    with transaction.atomic():
        _lock_order(link.correction.order_id)
        correction = AddressCorrection.objects.get(pk=link.correction_id)
        if correction.undone_at is not None:
            return
        is_undoable, _until = undo_deadline(correction, now)
        if not is_undoable:
            raise TooLateToUndo
        CorrectionLink.objects.filter(pk=link.pk).update(used_at=now)
        undo_correction(correction)


def undo_correction(correction: AddressCorrection, by: User | None = None) -> bool:
    """Restore the address from before a correction, which also undoes every later correction.

    Ends all access to the order, sends a new order password to the restored address, and notifies the removed addresses
    and support. `by` is set for staff, who can undo at any time. Returns False, and does nothing, if the correction was
    already undone.
    """
    now = timezone.now()
    with transaction.atomic():
        order = _lock_order(correction.order_id)
        undone = order.address_corrections.active().filter(pk__gte=correction.pk).order_by("pk")
        corrections = list(undone)
        if correction.pk not in {later.pk for later in corrections}:
            return False
        undone.update(undone_at=now, undone_by=by)
        order.contact_email = corrections[0].old_contact_email
        removed = _removed_addresses(corrections, order.email)
        end_access(order, now, removed)
        _update_freeze(order, now)
        order.save(update_fields=_ADDRESS_COLUMNS + ACCESS_COLUMNS)
        deliver_now(Message.objects.about_order(order.pk))  # some wait for the end of the freeze
        language = buyer_language(order) if by is None else order_language(order)
        _notify_about_undo(order, corrections[0], removed, language)
    return True


def _removed_addresses(corrections: Iterable[AddressCorrection], restored: str) -> list[str]:
    by_subject = {address_subject(each.new_email): each.new_email for each in corrections}
    by_subject.pop(address_subject(restored), None)
    return list(by_subject.values())


def _notify_about_undo(order: Order, correction: AddressCorrection, removed: Iterable[str], language: str) -> None:
    """Notify the restored address in this language, and the removed ones in the order's."""
    send(UNDONE, correction, order.email, TO_OLD, order_id=order.pk, language=language)
    for number, address in enumerate(removed):
        send(UNDONE, correction, address, f"{TO_NEW}-{number}", order_id=order.pk, language=order_language(order))
    send_again(CONFIRMATION, order, order.email, order_id=order.pk, language=language)
    # Without `order_id`: the buyer's page does not list it.
    support = order.store.support_email or parseaddr(settings.SUPPORT_EMAIL)[1]
    send(UNDONE_FOR_SUPPORT, correction, support, TO_SUPPORT, language=order.store.language)


# --- The freeze --------------------------------------------------------------------------------------------------


def end_freeze(order: Order) -> bool:
    """End the freeze of an order, for staff. Its corrections can still be undone. Returns False if it is not frozen."""
    now = timezone.now()
    with transaction.atomic():
        order = _lock_order(order.pk)
        if not order.is_frozen(now):
            return False
        order.address_corrections.undoable(now).filter(released_at=None).update(released_at=now)
        _update_freeze(order, now)
        order.save(update_fields=_ADDRESS_COLUMNS)
        deliver_now(Message.objects.about_order(order.pk))
    return True


def _update_freeze(order: Order, now: datetime) -> None:
    """Set the start and end of a locked order's freeze, without saving it."""
    freezing = order.address_corrections.undoable(now).filter(released_at=None)
    periods = list(freezing.values_list("made_at", "undo_until"))
    order.returns_frozen_since = min((start for start, _end in periods), default=None)
    order.returns_frozen_until = max((end or NO_END_YET for _start, end in periods), default=None)


def _undoable_root(order: Order, now: datetime) -> AddressCorrection | None:
    """Return the first of the order's corrections that can still be undone, itself or because of a later one."""
    first = order.address_corrections.undoable(now).select_related("root").order_by("pk").first()
    return first and (first.root or first)


def _lock_order(order_id: int) -> Order:
    return Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order_id)
