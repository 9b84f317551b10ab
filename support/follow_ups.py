"""Some days after a question that its buyer has not answered. `notifications` reads this at the start."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.kinds import PRIORITY_LATER, EmailKind, FollowUpPlan, PlannedFollowUp, register
from notifications.models import Message
from notifications.site import site_url
from orders.schedules import stores_by_days
from support.models import Thread, ThreadMessage

QUESTION_OPEN = "thread_question_open"
QUESTION_OPEN_DAYS, QUESTION_OPEN_WINDOW = 3, timedelta(days=14)
ROWS_AT_ONCE = 500
ASKED = Thread.Status.QUESTION_ASKED


def _candidates(since: datetime, until: datetime) -> Iterator[PlannedFollowUp]:
    questions = ThreadMessage.objects.filter(
        case__status=ASKED, to_status=ASKED, actor=ThreadMessage.Actor.STAFF, note=""
    )
    for days, stores in stores_by_days(QUESTION_OPEN, QUESTION_OPEN_DAYS, "case__store"):
        after = timedelta(days=days)
        found = questions.filter(stores, at__gt=since - after, at__lte=until - after)
        for said in found.select_related("case").iterator(chunk_size=ROWS_AT_ONCE):
            due_at = said.at + after
            yield PlannedFollowUp(
                said.pk,
                said.case.email,
                due_at,
                due_at + QUESTION_OPEN_WINDOW,
                order_id=said.case.order_id,
                language=said.case.language,
            )


def _is_unanswered(message: Message) -> bool:
    """It is the last thing that was said, and an answer is still waited for."""
    said = ThreadMessage.objects.select_related("case").filter(pk=message.object_id).first()
    if said is None or said.case.status != ASKED:
        return False
    return not said.case.events.filter(note="", pk__gt=said.pk).exists()


def _context(message: Message) -> dict[str, Any]:
    said = ThreadMessage.objects.select_related("case__store").get(pk=message.object_id)
    thread = said.case
    return {
        "quote": said.text,
        "thread": thread,
        "facts": [(gettext("Reference"), thread.reference)],
        # Its page mails a link that opens it: this mail may lie about for days.
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
