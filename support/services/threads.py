"""Changes of threads, by buyers and by staff.

Each function locks the thread, writes its history and queues the email in one transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from cases.receipts import may_email_receipt
from cases.refusals import NotPossible
from cases.services import require_text
from cases.submissions import find_submission
from cases.transitions import Actor, add_event, change_status, locked
from files.models import Upload
from files.services import store_files
from notifications.addresses import address_subject
from notifications.services import send
from orders.localities import visitor_language
from orders.models import Order, Store
from orders.rate_limits import Rate, RateLimit, consume
from orders.services.confirmations import order_language
from support.models import ChargeClaim, Thread, ThreadFile, ThreadLink, ThreadMessage
from support.models.threads import default_due_at

Status = Thread.Status
RECEIVED_KINDS = {Thread.Kind.CONTACT: "contact_received", Thread.Kind.CHARGE_CLAIM: "claim_received"}
LINK_RATE = Rate(short=3, long=10)  # links emailed for one thread
# Links emailed to one address for all its threads that no emailed link has opened yet.
UNPROVEN_LINK_RATE = Rate(short=3, long=10)
# Replies to one thread.
REPLIES_PER_HOUR, REPLIES_PER_DAY = 10, 20
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class ContactMessage:
    """The validated first message of a thread."""

    kind: Thread.Kind
    email: str
    subject: str
    text: str
    submission_id: UUID
    language: str = ""
    files: Sequence[File] = ()
    order: Order | None = None  # open in the browser of the person who writes
    client: str | None = None  # the network address for the limit on files


class TooManyReplies(NotPossible):
    """The buyer has reached the limit of replies to this thread, for an hour or a day."""


class NewerMessageExists(NotPossible):
    """The thread has a newer message than the last one that the acting staff member has read."""

    def __init__(self) -> None:
        super().__init__(_("There’s a new message in this thread. Read it first. Nothing was sent."))


# --- Buyers --------------------------------------------------------------------------------------------------


def open_thread(contact_message: ContactMessage) -> tuple[Thread, bool]:
    """Create a thread with its first message, files and receipt, all or nothing.

    Returns the thread and whether it is new: the same submission id finds the thread made first, unless that is
    closed. Raises files.services.FileRejected.
    """
    with transaction.atomic():
        earlier, submission_id = find_submission(Thread.objects.all(), contact_message.submission_id, Thread.CLOSED)
        if earlier is not None:
            return earlier, False
        thread = Thread(
            status=Status.WAITING,
            submission_id=submission_id,
            kind=contact_message.kind,
            subject=contact_message.subject,
            email=contact_message.email,
            language=contact_message.language,
            order=contact_message.order,
            order_proven=contact_message.order is not None,
            store=contact_message.order.store if contact_message.order else only_store(),
        )
        try:
            with transaction.atomic():
                thread.save()  # a simultaneous submission with the same id waits here
        except IntegrityError:
            return Thread.objects.get(submission_id=submission_id), False
        message = add_message(
            thread,
            Actor.BUYER,
            contact_message.text,
            before="",
            files=contact_message.files,
            client=contact_message.client,
        )
        if may_email_receipt(contact_message.email, timezone.now()):
            notify_buyer(message, RECEIVED_KINDS[contact_message.kind])
        else:
            note = gettext(
                "No email was sent because this address already got too many today. The page confirmed the message."
            )
            add_event(thread, thread.status, Actor.PORTAL, note=note)
        forward_to_helpdesk(message)
    return thread, True


def only_store() -> Store | None:
    """The store if there is exactly one."""
    stores = list(Store.objects.all()[:2])
    return stores[0] if len(stores) == 1 else None


def reply(thread: Thread, text: str, files: Sequence[File] = (), *, client: str | None = None) -> None:
    """Add a message of the buyer. The same message again is ignored. `client` is the same as in ContactMessage.

    Raises NotPossible if the thread is closed, TooManyReplies, or files.services.FileRejected.
    """
    with locked(thread) as current:
        last = current.events.filter(note="").last()
        if last is not None and last.actor == Actor.BUYER and last.text == text and _has_files(last, files):
            return
        if current.status == Status.CLOSED:
            raise NotPossible(_("This conversation is closed. Send us a new message and include this reference."))
        _require_room_for_reply(current)
        before = current.status
        if before == Status.ANSWERED:
            current.due_at = default_due_at()  # support has the full response time again
        if before != Status.WAITING:
            change_status(current, Status.WAITING, Actor.BUYER)
            current.save()
        forward_to_helpdesk(add_message(current, Actor.BUYER, text, before=before, files=files, client=client))


def _require_room_for_reply(thread: Thread) -> None:
    """Raise TooManyReplies. The caller holds the lock of the thread, so simultaneous replies are counted correctly."""
    now = timezone.now()
    replies = thread.events.filter(actor=Actor.BUYER, note="", at__gt=now - DAY).exclude(from_status="")
    times = list(replies.values_list("at", flat=True))
    if len(times) >= REPLIES_PER_DAY:
        message = _("You’ve sent too many messages today. Your message is still below. Send it tomorrow.")
        raise TooManyReplies(message)
    if sum(at > now - HOUR for at in times) >= REPLIES_PER_HOUR:
        message = _("You’ve sent too many messages. Your message is still below. Send it in an hour.")
        raise TooManyReplies(message)


def _has_files(message: ThreadMessage, files: Sequence[File]) -> bool:
    """Whether the message has exactly these files, compared by name."""
    names = sorted(file.upload.name for file in message.files.select_related("upload"))
    return names == sorted(file.name or "" for file in files)


def mark_solved(thread: Thread) -> None:
    """Close the thread for the buyer. Does nothing if it is closed already."""
    with locked(thread) as current:
        if current.status == Status.CLOSED:
            return
        ChargeClaim.objects.undecided().filter(pk=current.pk).update(
            outcome=ChargeClaim.Outcome.CANCELLED, decided_at=timezone.now()
        )
        before = mark_closed(current, Actor.BUYER)
        add_message(current, Actor.BUYER, gettext("Closed as solved."), before=before)


def send_link(thread: Thread) -> bool:
    """Email a new link to the thread's address.

    Returns False, and emails nothing, if a rate limit is exceeded or the thread is suspect.
    """
    if is_suspect(thread):
        return False
    limits = [RateLimit("thread-link", str(thread.pk), LINK_RATE)]
    if thread.email_proven_at is None:
        limits.append(RateLimit("unproven-thread-link", address_subject(thread.email), UNPROVEN_LINK_RATE))
    with transaction.atomic():
        if not consume(limits, timezone.now()):
            return False
        link = ThreadLink.objects.create(thread=thread)
        language = visitor_language.get() or thread.language
        return send("thread_link", link, thread.email, order_id=_order_id_for_email(thread), language=language)


def is_suspect(thread: Thread) -> bool:
    """Whether all access to the thread's order was ended after the thread began, and its address isn't the order's.

    Access may have been ended to protect the order from the thread's author. No link opens the thread.
    """
    order = thread.order
    if order is None or order.access_ended_at is None or thread.created_at > order.access_ended_at:
        return False
    return not is_order_address(order, thread.email)


# --- Staff ---------------------------------------------------------------------------------------------------


def answer(thread: Thread, by: User, text: str, last_seen_id: int | None = None) -> None:
    """Answer the buyer. `last_seen_id` is the id of the last message that the author has read.

    Raises NotPossible, NewerMessageExists.
    """
    _send_to_buyer(
        thread, by, require_text(text, _("Enter an answer.")), last_seen_id, Status.ANSWERED, "thread_answered"
    )


def ask(thread: Thread, by: User, text: str, last_seen_id: int | None = None) -> None:
    """Ask the buyer a question, which they answer on the thread's page. Raises NotPossible, NewerMessageExists."""
    question = require_text(text, _("Enter a question for the buyer."))
    _send_to_buyer(thread, by, question, last_seen_id, Status.QUESTION_ASKED, "thread_question_asked")


def _send_to_buyer(
    thread: Thread, by: User, text: str, last_seen_id: int | None, to_status: Thread.Status, email_kind: str
) -> None:
    with locked_if_up_to_date(thread, last_seen_id) as current:
        before = current.status
        change_status(current, to_status, Actor.STAFF)
        current.closed_at = None
        current.assigned_to = current.assigned_to or by
        current.save()
        notify_buyer(add_message(current, Actor.STAFF, text, before=before, by=by), email_kind)


def add_note(thread: Thread, by: User, text: str) -> None:
    """Add a note that only staff see. Raises NotPossible if the text is empty."""
    note = require_text(text, _("Enter a note."))
    with locked(thread) as current:
        add_event(current, current.status, Actor.STAFF, by=by, note=note)


def close(thread: Thread, by: User, text: str = "", last_seen_id: int | None = None) -> None:
    """Close the thread with an optional message to the buyer.

    Raises NotPossible for an undecided charge claim, NewerMessageExists, WrongStatus.
    """
    with locked_if_up_to_date(thread, last_seen_id) as current:
        if ChargeClaim.objects.undecided().filter(pk=current.pk).exists():
            raise NotPossible(_("This claim isn’t decided yet. Match it to an order, or choose “No matching order”."))
        before = mark_closed(current, Actor.STAFF)
        with override(current.language):
            text = text.strip() or gettext("Support closed this.")
        notify_buyer(add_message(current, Actor.STAFF, text, before=before, by=by), "thread_closed")


def start(
    by: User, to: Order | Thread, subject: str, text: str, *, expects_answer: bool = False, submission_id: UUID
) -> Thread:
    """Write to a buyer who hasn't asked: to the address of an order, or of an earlier thread. Returns the new thread.

    The same submission again returns the thread that it created. Raises NotPossible without a text or an address.
    """
    text, subject = require_text(text, _("Enter a message.")), require_text(subject, _("Enter a subject."))
    order = to if isinstance(to, Order) else to.order
    if not to.email:
        raise NotPossible(_("This order has no email address."))
    thread = Thread(
        kind=Thread.Kind.FROM_SUPPORT,
        status=Status.QUESTION_ASKED if expects_answer else Status.ANSWERED,
        subject=subject,
        email=to.email,
        submission_id=submission_id,
        language=order_language(to) if isinstance(to, Order) else to.language,
        order=order,
        order_proven=isinstance(to, Order),  # only its address receives the link
        store=order.store if order else only_store(),
        assigned_to=by,
    )
    thread.paused_at = timezone.now() if expects_answer else None
    with transaction.atomic():
        try:
            with transaction.atomic():
                thread.save()  # a simultaneous submission with the same id waits here
        except IntegrityError:
            return Thread.objects.get(submission_id=submission_id)
        notify_buyer(add_message(thread, Actor.STAFF, text, before="", by=by), "thread_started")
    return thread


def attach_order(thread: Thread, by: User, order: Order) -> None:
    """Set the order that the thread is about."""
    with locked(thread) as current:
        current.set_order(order)
        current.save()
        note = gettext("Order %(number)s.") % {"number": order}
        add_event(current, current.status, Actor.STAFF, by=by, note=note)


# --- Shared with support.services.claims ---------------------------------------------------------------------


@contextmanager
def locked_if_up_to_date(thread: Thread, last_seen_id: int | None = None) -> Iterator[Thread]:
    """Like `locked`. Raises NewerMessageExists, and NotPossible if the thread was merged into another one."""
    with locked(thread) as current:
        require_up_to_date(current, last_seen_id)
        yield current


def require_up_to_date(thread: Thread, last_seen_id: int | None) -> None:
    """Raise NewerMessageExists if a message, not a note, was added after event `last_seen_id`.

    Raise NotPossible if the conversation continues in another thread. The caller holds the lock.
    """
    if thread.merged_into_id is not None:
        raise NotPossible(_("This thread was merged into another one. Go on there."))
    if last_seen_id is not None and thread.events.filter(note="", pk__gt=last_seen_id).exists():
        raise NewerMessageExists


def mark_closed(thread: Thread, actor: Actor) -> str:
    """Close a locked thread. Returns its previous status. Raises WrongStatus if it is closed already."""
    before = thread.status
    change_status(thread, Status.CLOSED, actor)
    thread.closed_at = timezone.now()
    thread.save()
    return before


def add_message(
    thread: Thread,
    actor: Actor,
    text: str,
    *,
    before: str,
    by: User | None = None,
    files: Iterable[File] = (),
    client: str | None = None,
) -> ThreadMessage:
    """Add a message that the buyer sees, with its files, to the thread's history.

    `before` is the thread's status before the message. The files count against `client`. Raises
    files.services.FileRejected.
    """
    message = add_event(thread, before, actor, by=by, text=text)
    assert isinstance(message, ThreadMessage)
    uploads: list[Upload] = store_files(files, client=client)
    ThreadFile.objects.bulk_create(ThreadFile(message=message, upload=upload) for upload in uploads)
    return message


def notify_buyer(message: ThreadMessage, kind: str) -> bool:
    """Queue the email of this kind about a message, with a new link that opens the thread."""
    thread = message.case
    link = ThreadLink.objects.create(thread=thread)
    return send(
        kind, message, thread.email, str(link.pk), order_id=_order_id_for_email(thread), language=thread.language
    )


def _order_id_for_email(thread: Thread) -> int | None:
    """Return the id of the order whose page lists the email.

    None if staff matched a claim to an order with another address, whose owner must not see the claim.
    """
    if thread.order is None or thread.kind == Thread.Kind.CONTACT or is_order_address(thread.order, thread.email):
        return thread.order_id
    return None


def is_order_address(order: Order, email: str) -> bool:
    """Whether emails about the order go to this address."""
    return Order.objects.for_email(email).filter(pk=order.pk).exists()


def forward_to_helpdesk(message: ThreadMessage) -> bool:
    """Queue a copy to the helpdesk of the store, if it has one, which answers the buyer directly."""
    store = message.case.store
    if store is None or not store.support_email:
        return False
    return send("thread_forwarded", message, store.support_email, language=store.language)
