"""Everything that happened to one order, as one list: actions of the store, the buyer, staff and the portal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Exists, Model, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent
from desk.access import may_view
from intake.models import Change, ImportChange, ImportRun
from licenses.models import Download
from notifications import kinds
from notifications.models import Message
from orders.admin_cells import admin_url
from orders.models import AddressCorrection, Attempt, Order, Refund
from orders.money import format_money
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal
from support.models import Thread

MAX_EVENTS = 100  # of the timeline, and read from each source

Actor = CaseEvent.Actor
VISITOR = _("visitor")  # actors who may be the buyer


@dataclass(frozen=True)
class Event:
    """One event: when, who did it, what it was, and the page with details."""

    at: datetime
    who: str | Promise
    what: str
    url: str = ""


@dataclass(frozen=True)
class Source:
    """Events of one kind. They require the permission to view the model."""

    model: type[Model]
    load: Callable[[Order], Iterator[Event]]


def load_timeline(order: Order, user: Any) -> tuple[list[Event], bool]:
    """Return the newest events of an order that the user may see, and whether there are more. Makes one query per
    source.
    """
    events = [event for source in SOURCES if may_view(user, source.model) for event in source.load(order)]
    events.sort(key=lambda event: event.at, reverse=True)
    return events[:MAX_EVENTS], len(events) > MAX_EVENTS


def _staff(user: Any, otherwise: str | Promise) -> str | Promise:
    """Return the name of the staff user. None stands for the default actor of the event."""
    return str(user.get_username()) if user is not None else otherwise


# --- The order and its money ------------------------------------------------------------------------------------------


def _order_events(order: Order) -> Iterator[Event]:
    total = format_money(order.total, order.currency)
    placed = gettext("Order placed: %(total)s") % {"total": total}
    yield Event(order.placed_at, Actor.BUYER.label, placed)
    yield Event(order.created_at, Actor.STORE.label, gettext("Order imported"))
    if order.access_ended_at is not None:
        yield Event(order.access_ended_at, Actor.PORTAL.label, gettext("All access to the order ended"))


def _import_events(order: Order) -> Iterator[Event]:
    changes = ImportChange.objects.filter(order_id=order.pk, kind=Change.CHANGED).select_related("run")
    for change in changes.order_by("-run__started_at")[:MAX_EVENTS]:
        yield Event(
            change.run.started_at, Actor.STORE.label, gettext("Order changed by an import"), admin_url(change.run)
        )


def _refund_events(order: Order) -> Iterator[Event]:
    by_portal = Exists(RefundTransaction.objects.filter(refund=OuterRef("pk")))
    for refund in order.refunds.annotate(by_portal=by_portal).order_by("-pk")[:MAX_EVENTS]:
        what = gettext("%(amount)s refunded") % {"amount": format_money(refund.amount, order.currency)}
        who = Actor.PORTAL if refund.by_portal else Actor.STORE
        yield Event(refund.known_at, who.label, what)


def _transaction_events(order: Order) -> Iterator[Event]:
    for each in order.refund_transactions.select_related("done_by").order_by("-pk")[:MAX_EVENTS]:
        values = {"amount": format_money(each.amount, each.currency), "gateway": each.get_gateway_display()}
        url = admin_url(each)
        what = gettext("Refund of %(amount)s approved (%(gateway)s)") % values
        yield Event(each.created_at, Actor.PORTAL.label, what, url)
        if each.done_at is not None:
            what = gettext("Refund of %(amount)s completed (%(gateway)s)") % values
            yield Event(each.done_at, _staff(each.done_by, Actor.PORTAL.label), what, url)


# --- Cases and threads ----------------------------------------------------------------------------------------------


def _case_source(model: Any) -> Source:
    """The history of all cases of one kind."""

    def load(order: Order) -> Iterator[Event]:
        history = model.event_model().objects.filter(case__order=order).select_related("case", "by")
        for entry in history.order_by("-at", "-pk")[:MAX_EVENTS]:
            values = {"case": f"{model._meta.verbose_name} {entry.case}", "status": _step(entry, model)}
            what = gettext("%(case)s: %(status)s") % values
            who = _staff(entry.by, entry.get_actor_display())
            yield Event(entry.at, who, what[:1].upper() + what[1:], admin_url(entry.case))

    return Source(model, load)


def _step(entry: Any, model: Any) -> str:
    """Return what an entry of a history contains: the new status, a note or a message."""
    if entry.from_status != entry.to_status:
        return str(model.Status(entry.to_status).label)
    return gettext("internal note") if entry.note and not entry.text else gettext("message")


# --- The address, access and emails ---------------------------------------------------------------------------------


def _correction_events(order: Order) -> Iterator[Event]:
    corrections = order.address_corrections.select_related("made_by", "undone_by")
    for each in corrections.order_by("-pk")[:MAX_EVENTS]:
        url = admin_url(each)
        values = {"old": each.old_email or "–", "new": each.new_email}
        what = gettext("Address corrected from %(old)s to %(new)s.") % values
        yield Event(each.made_at, _staff(each.made_by, Actor.BUYER.label), what, url)
        if each.released_at is not None:
            yield Event(each.released_at, Actor.STAFF.label, gettext("Freeze of returns and refunds ended"), url)
        if each.undone_at is not None:
            what = gettext("Address correction undone.")
            yield Event(each.undone_at, _staff(each.undone_by, Actor.BUYER.label), what, url)


def _attempt_events(order: Order) -> Iterator[Event]:
    subjects = [subject for subject in (order.number_key, order.email_key) if subject]
    for each in Attempt.objects.filter(subject__in=subjects).order_by("-at")[:MAX_EVENTS]:
        outcome = each.get_outcome_display()
        outcome = f"{outcome} (× {each.tries})" if each.tries > 1 else outcome  # attempts that share a row
        values = {"method": each.get_method_display(), "outcome": outcome, "client": each.client}
        what = gettext("Attempt to open it: %(method)s, %(outcome)s, %(client)s") % values
        yield Event(each.at, VISITOR, what, admin_url(each))


def _message_events(order: Order) -> Iterator[Event]:
    status = Message.Status
    for each in Message.objects.about_order(order.pk).order_by("-pk")[:MAX_EVENTS]:
        values = {"kind": kinds.label(each.kind), "recipient": each.recipient}
        url, who = admin_url(each), Actor.PORTAL.label
        if each.sent_at is not None:
            yield Event(each.sent_at, who, gettext("Email sent to %(recipient)s: %(kind)s") % values, url)
        if each.bounced_at is not None:
            yield Event(each.bounced_at, who, gettext("Email to %(recipient)s bounced: %(kind)s") % values, url)
        if each.status == status.FAILED:
            failed_at = each.first_failed_at or each.due_at
            yield Event(failed_at, who, gettext("Email to %(recipient)s failed: %(kind)s") % values, url)


def _download_events(order: Order) -> Iterator[Event]:
    for each in order.downloads.select_related("release__product").order_by("-issued_at")[:MAX_EVENTS]:
        values = {"release": each.release, "client": each.client}
        url = admin_url(each)
        yield Event(each.issued_at, Actor.BUYER.label, gettext("Download link issued: %(release)s") % values, url)
        if each.started_at is not None:
            what = gettext("Download started: %(release)s, %(client)s") % values
            yield Event(each.started_at, Actor.BUYER.label, what, url)


def _log_events(order: Order) -> Iterator[Event]:
    """Return the admin's log entries about the order, which are on its history page for users who
    may view the order.
    """
    entries = LogEntry.objects.filter(
        content_type__app_label="orders", content_type__model="order", object_id=str(order.pk)
    )
    for entry in entries.select_related("user").order_by("-action_time")[:MAX_EVENTS]:
        yield Event(entry.action_time, entry.user.get_username(), entry.get_change_message())


SOURCES = (
    Source(Order, _order_events),
    Source(Order, _log_events),
    Source(ImportRun, _import_events),
    Source(Refund, _refund_events),
    Source(RefundTransaction, _transaction_events),
    *(_case_source(model) for model in (Return, Withdrawal, Swap, CashbackClaim, Thread)),
    Source(AddressCorrection, _correction_events),
    Source(Attempt, _attempt_events),
    Source(Message, _message_events),
    Source(Download, _download_events),
)
