"""What can be done with a thread, by its writer and by staff. The row locked, its history and the mail with it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from cases.services import require_text
from cases.transitions import Actor, add_event, change_status, locked
from files.models import Upload
from files.services import store_files
from notifications.addresses import address_subject
from notifications.services import send
from orders.models import Order, Store
from orders.rate_limits import Rate, RateLimit, consume
from support.models import ChargeClaim, Thread, ThreadFile, ThreadLink, ThreadMessage
from support.models.threads import due

Status = Thread.Status
RECEIVED_KINDS = {Thread.Kind.CONTACT: "contact_received", Thread.Kind.CHARGE_CLAIM: "claim_received"}
# Receipts mailed to one address; above it the page is the receipt, so that nobody's mailbox is flooded.
RECEIPT_RATE = Rate(short=5, long=20)
LINK_RATE = Rate(short=3, long=10)  # fresh links to one thread


@dataclass(frozen=True)
class Letter:
    """What somebody writes to support, as its form made sure of it."""

    kind: Thread.Kind
    email: str
    subject: str
    text: str
    submission_id: UUID
    language: str = ""
    files: Sequence[File] = ()
    order: Order | None = None


class ReadAnew(NotPossible):
    """Something was said in between, which whoever decides has not read."""

    def __init__(self) -> None:
        super().__init__(_("Something was said in this thread meanwhile. Please read it first; nothing was sent."))


# --- Whoever writes ----------------------------------------------------------------------------------------


def open_thread(letter: Letter) -> tuple[Thread, bool]:
    """Take a letter in, with its files, receipt and history, or nothing of it.

    Returns the thread, and whether it is new: the same submission finds the first. Raises files.services.FileRejected.
    """
    with transaction.atomic():
        thread = Thread(
            status=Status.WAITING,
            submission_id=letter.submission_id,
            kind=letter.kind,
            subject=letter.subject,
            email=letter.email,
            language=letter.language,
            order=letter.order,
            store=letter.order.store if letter.order else only_store(),
        )
        try:
            with transaction.atomic():
                thread.save()  # a second click waits here for the first
        except IntegrityError:
            return Thread.objects.get(submission_id=letter.submission_id), False
        message = say(thread, Actor.BUYER, letter.text, before="", files=letter.files)
        if consume([RateLimit("thread-receipt", address_subject(letter.email), RECEIPT_RATE)], timezone.now()):
            notify_writer(message, RECEIVED_KINDS[letter.kind])
        else:
            note = gettext("No receipt was mailed: too many went to this address today. The page confirmed it.")
            add_event(thread, thread.status, Actor.PORTAL, note=note)
        forward(message)
    return thread, True


def only_store() -> Store | None:
    """Where there is just one, it is meant."""
    stores = list(Store.objects.all()[:2])
    return stores[0] if len(stores) == 1 else None


def reply(thread: Thread, text: str, files: Sequence[File] = ()) -> None:
    """What the buyer adds or answers. A second click changes nothing. Raises NotPossible once it is closed."""
    with locked(thread) as current:
        last = current.events.filter(note="").last()
        if last is not None and last.actor == Actor.BUYER and last.text == text and not _more(last, files):
            return
        if current.status == Status.CLOSED:
            raise NotPossible(_("This is closed. Please write a new message; it can name this reference."))
        before = current.status
        if before == Status.ANSWERED:
            current.due_at = due()  # a new matter, with the usual time
        if before != Status.WAITING:
            change_status(current, Status.WAITING, Actor.BUYER)
            current.save()
        forward(say(current, Actor.BUYER, text, before=before, files=files))


def _more(message: ThreadMessage, files: Sequence[File]) -> bool:
    """Whether these are other files than came with the message."""
    names = sorted(file.upload.name for file in message.files.select_related("upload"))
    return names != sorted(file.name or "" for file in files)


def solved(thread: Thread) -> None:
    """The buyer needs no answer any more. A second click changes nothing."""
    with locked(thread) as current:
        if current.status == Status.CLOSED:
            return
        ChargeClaim.objects.undecided().filter(pk=current.pk).update(
            outcome=ChargeClaim.Outcome.CANCELLED, decided_at=timezone.now()
        )
        before = shut(current, Actor.BUYER)
        say(current, Actor.BUYER, gettext("Closed: it is solved."), before=before)


def send_link(thread: Thread) -> bool:
    """Mail a fresh link to the thread's own address. False where too many went there lately."""
    with transaction.atomic():
        if not consume([RateLimit("thread-link", str(thread.pk), LINK_RATE)], timezone.now()):
            return False
        link = ThreadLink.objects.create(thread=thread)
        return send("thread_link", link, thread.email, order_id=_order_told(thread), language=thread.language)


# --- Staff ---------------------------------------------------------------------------------------------------


def answer(thread: Thread, by: User, text: str, seen: int | None = None) -> None:
    """Write to the buyer. `seen` is the last message that whoever answers has read. Raises NotPossible, ReadAnew."""
    _to_buyer(thread, by, require_text(text, _("Please write the answer.")), seen, Status.ANSWERED, "thread_answered")


def ask(thread: Thread, by: User, text: str, seen: int | None = None) -> None:
    """Ask the buyer something; the answer comes in on the thread's page."""
    question = require_text(text, _("Please write the question to the buyer."))
    _to_buyer(thread, by, question, seen, Status.QUESTION_ASKED, "thread_question_asked")


def _to_buyer(thread: Thread, by: User, text: str, seen: int | None, to: Thread.Status, mail: str) -> None:
    with unseen_refused(thread, seen) as current:
        before = current.status
        change_status(current, to, Actor.STAFF)
        current.closed_at = None
        current.assigned_to = current.assigned_to or by
        current.save()
        notify_writer(say(current, Actor.STAFF, text, before=before, by=by), mail)


def note(thread: Thread, by: User, text: str) -> None:
    """A note that only staff see."""
    written = require_text(text, _("Please write the note."))
    with locked(thread) as current:
        add_event(current, current.status, Actor.STAFF, by=by, note=written)


def close(thread: Thread, by: User, text: str = "", seen: int | None = None) -> None:
    """End it, with a last word to the buyer. An open charge claim is decided instead."""
    with unseen_refused(thread, seen) as current:
        if ChargeClaim.objects.undecided().filter(pk=current.pk).exists():
            raise NotPossible(_("This claim is not decided yet: please match it to an order, or say that none fits."))
        before = shut(current, Actor.STAFF)
        with override(current.language):
            words = text.strip() or gettext("Support closed this.")
        notify_writer(say(current, Actor.STAFF, words, before=before, by=by), "thread_closed")


def assign(thread: Thread, by: User, to: User | None) -> None:
    """Say who works on it; nobody, where `to` is None."""
    with locked(thread) as current:
        current.assigned_to = to
        current.save()
        words = gettext("Assigned to %(who)s.") % {"who": to} if to else gettext("Assigned to nobody.")
        add_event(current, current.status, Actor.STAFF, by=by, note=words)


def attach_order(thread: Thread, by: User, order: Order) -> None:
    """Say which order it is about."""
    with locked(thread) as current:
        current.order, current.store = order, order.store
        current.save()
        note = gettext("Order %(number)s.") % {"number": order}
        add_event(current, current.status, Actor.STAFF, by=by, note=note)


# --- What the services are made of ---------------------------------------------------------------------------


@contextmanager
def unseen_refused(thread: Thread, seen: int | None = None) -> Iterator[Thread]:
    """As `locked`; raises ReadAnew where something was said to or by the buyer after the event `seen`."""
    with locked(thread) as current:
        if seen is not None and current.events.filter(note="", pk__gt=seen).exists():
            raise ReadAnew
        yield current


def shut(thread: Thread, actor: Actor) -> str:
    """Close a thread, and return where it stood before. Raises WrongStatus where it is closed."""
    before = thread.status
    change_status(thread, Status.CLOSED, actor)
    thread.closed_at = timezone.now()
    thread.save()
    return before


def say(
    thread: Thread,
    actor: Actor,
    text: str,
    *,
    before: str,
    by: User | None = None,
    files: Iterable[File] = (),
) -> ThreadMessage:
    """A row of the thread's history that its writer sees, with its files."""
    message = add_event(thread, before, actor, by=by, text=text)
    assert isinstance(message, ThreadMessage)
    uploads: list[Upload] = store_files(files)
    ThreadFile.objects.bulk_create(ThreadFile(message=message, upload=upload) for upload in uploads)
    return message


def notify_writer(message: ThreadMessage, kind: str) -> bool:
    """Queue the mail about a message, with a link of its own that opens the thread."""
    thread = message.case
    link = ThreadLink.objects.create(thread=thread)
    return send(kind, message, thread.email, str(link.pk), order_id=_order_told(thread), language=thread.language)


def _order_told(thread: Thread) -> int | None:
    """The order on whose page a mail is listed; not where staff matched a claim of another address to it."""
    if thread.order is None or thread.kind == Thread.Kind.CONTACT or is_address_of(thread.order, thread.email):
        return thread.order_id
    return None


def is_address_of(order: Order, email: str) -> bool:
    """Whether mails of the order go to this address."""
    return Order.objects.for_email(email).filter(pk=order.pk).exists()


def forward(message: ThreadMessage) -> bool:
    """A copy to the store's helpdesk, where it has one. Its answer goes to the buyer by itself."""
    store = message.case.store
    if store is None or not store.support_email:
        return False
    return send("thread_forwarded", message, store.support_email, language=store.language)
