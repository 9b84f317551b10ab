"""Merging two threads of the same person."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from cases.transitions import Actor, add_event, change_status, lock_order
from support.models import Thread
from support.services.threads import mark_closed, require_up_to_date

Status = Thread.Status


def merge(thread: Thread, into: Thread, by: User, last_seen_id: int | None = None) -> None:
    """Close a thread because its conversation continues in another thread of the same address.

    The other thread waits for support if this one did, and its reply is due when the earlier one was. The buyer isn't
    emailed; the page of this thread says where it continues. Raises NotPossible, NewerMessageExists.
    """
    with transaction.atomic():
        current, target = _lock_both(thread, into, last_seen_id)
        _require_mergeable(current, target)
        was_waiting = current.status == Status.WAITING
        before = mark_closed(current, Actor.STAFF)
        current.merged_into = target
        current.save()
        current.merged.update(merged_into=target)
        note = gettext("Merged into %(reference)s.") % {"reference": target}
        add_event(current, before, Actor.STAFF, by=by, note=note)
        if was_waiting:
            target.due_at = min(target.due_at, current.due_at) if target.is_undecided else current.due_at
            if not target.is_undecided:
                change_status(target, Status.WAITING, Actor.STAFF)
        if current.order is not None and target.order is None:
            target.set_order(current.order)
        target.save()
        note = gettext("%(reference)s was merged into this thread.") % {"reference": current}
        add_event(target, target.status, Actor.STAFF, by=by, note=note)


def _lock_both(thread: Thread, into: Thread, last_seen_id: int | None) -> tuple[Thread, Thread]:
    """Lock the orders and then the threads, each in one sequence, so that two merges can't wait for each other."""
    for order_id in sorted({each.order_id for each in (thread, into) if each.order_id is not None}):
        lock_order(order_id)
    ids = [thread.pk, into.pk]
    rows = Thread.objects.select_for_update(of=("self",)).select_related("order__store").filter(pk__in=ids)
    locked_rows = {row.pk: row for row in rows.order_by("pk")}
    require_up_to_date(locked_rows[thread.pk], last_seen_id)
    return locked_rows[thread.pk], locked_rows[into.pk]


def _require_mergeable(thread: Thread, into: Thread) -> None:
    """Raise NotPossible unless both belong to the same person, and the other one can continue the conversation."""
    if thread.pk == into.pk:
        raise NotPossible(_("Enter the reference of another thread."))
    if thread.kind == Thread.Kind.CHARGE_CLAIM:
        raise NotPossible(_("A charge claim is decided on its own. Merge the other thread into it instead."))
    if not thread.email_key or thread.email_key != into.email_key:
        raise NotPossible(_("The two threads have different email addresses."))
    if thread.order_id and into.order_id and thread.order_id != into.order_id:
        raise NotPossible(_("The two threads are about different orders."))
    if into.status == Status.CLOSED:
        raise NotPossible(_("%(reference)s is closed. Answer it first to open it again."), reference=into)
    if into.email_proven_at is None:
        # Somebody else may have written it in their own browser, where they would read the answers.
        raise NotPossible(
            _("The address of %(reference)s isn’t proven: no emailed link opened it. Merge it into this one instead."),
            reference=into,
        )
