"""The reminder to a buyer who has not answered a question. Found by the autodiscovery of `notifications`."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.kinds import (
    PRIORITY_LATER,
    Candidates,
    EmailKind,
    FollowUpPlan,
    PlannedFollowUp,
    plan_each,
    register,
)
from notifications.models import Message
from notifications.site import site_url
from orders.schedules import stores_by_days
from support.models import Thread, ThreadMessage

QUESTION_OPEN = "thread_question_open"
QUESTION_OPEN_DAYS, QUESTION_OPEN_WINDOW = 3, timedelta(days=14)
CHUNK_SIZE = 500  # rows
ASKED = Thread.Status.QUESTION_ASKED


def _candidates(since: datetime, until: datetime) -> Candidates:
    questions = ThreadMessage.objects.filter(
        case__status=ASKED, to_status=ASKED, actor=ThreadMessage.Actor.STAFF, note=""
    )
    for days, stores in stores_by_days(QUESTION_OPEN, QUESTION_OPEN_DAYS, "case__store"):
        after = timedelta(days=days)
        found = questions.filter(stores, at__gt=since - after, at__lte=until - after)
        rows = found.select_related("case").iterator(chunk_size=CHUNK_SIZE)
        yield from plan_each(rows, partial(_plan, after))


def _plan(after: timedelta, question: ThreadMessage) -> PlannedFollowUp:
    due_at = question.at + after
    return PlannedFollowUp(
        question.pk,
        question.case.email,
        due_at,
        due_at + QUESTION_OPEN_WINDOW,
        order_id=question.case.order_id,
        language=question.case.language,
    )


def _is_unanswered(message: Message) -> bool:
    """Whether the question is the thread's last message and the thread still waits for the answer."""
    question = ThreadMessage.objects.select_related("case").filter(pk=message.object_id).first()
    if question is None or question.case.status != ASKED:
        return False
    return not question.case.events.filter(note="", pk__gt=question.pk).exists()


def _context(message: Message) -> dict[str, Any]:
    question = ThreadMessage.objects.select_related("case__store").get(pk=message.object_id)
    thread = question.case
    return {
        "quote": question.text,
        "thread": thread,
        "facts": [(gettext("Reference"), thread.reference)],
        # The page offers to email a link. A link in this email would have expired by the time it is read.
        "url": site_url(thread.path),
        "reply_to": (thread.store.support_email if thread.store else ""),
    }


register(
    EmailKind(
        QUESTION_OPEN,
        f"support/emails/{QUESTION_OPEN}.html",
        _context,
        _is_unanswered,
        priority=PRIORITY_LATER,
        label=_("Our question is still open"),
        follow_up=FollowUpPlan(QUESTION_OPEN_DAYS, _candidates, QUESTION_OPEN_WINDOW),
    )
)
