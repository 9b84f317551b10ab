"""The actions that staff can take on a thread: for each its service, its form fields and the statuses it needs."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanWidget

from cases.admin.actions import (
    ORDER_FIELDS,
    REQUIRED_NOTE_FIELDS,
    CaseAction,
    CleanedData,
    find_order,
    queue_actions,
    text_input,
)
from cases.refusals import NotPossible
from support.admin.answer_templates import AnswerField, AnswerTextarea
from support.models import ChargeClaim, Thread
from support.services import claims, merging, threads

Status = Thread.Status
Outcome = ChargeClaim.Outcome
ANY_STATUS = frozenset(Status.values)
OPEN = ANY_STATUS - {Status.CLOSED}
AFTER_MERGING = ("note", "tag")
MESSAGE_MAX_LENGTH = 10_000  # characters


def _last_seen_field(thread: Any) -> forms.Field:
    """A hidden field with the id of the last message that was on the page."""
    last = thread.events.filter(note="").order_by("-pk").values_list("pk", flat=True).first()
    return forms.IntegerField(required=False, initial=last, widget=forms.HiddenInput)


def _text_field(label: Any, *, required: bool = True) -> Any:
    return lambda thread: AnswerField(
        label=label, required=required, max_length=MESSAGE_MAX_LENGTH, widget=AnswerTextarea()
    )


LAST_SEEN = {"last_seen_id": _last_seen_field}
MESSAGE_TO_BUYER = {"text": _text_field(_("Message to the buyer (sent by email)"))} | LAST_SEEN
OPTIONAL_MESSAGE_TO_BUYER = {"text": _text_field(_("Message to the buyer (sent by email)"), required=False)} | LAST_SEEN


def _correct_address_field(thread: Any) -> forms.Field:
    return forms.BooleanField(
        label=_("The order’s email address is mistyped. Change it to %(email)s.") % {"email": thread.email},
        required=False,
        help_text=_("The previous address is notified and can undo this for 48 hours."),
        widget=UnfoldBooleanWidget(),
    )


def _match(thread: Thread, by: User, entered: CleanedData) -> None:
    claims.match_to_order(
        thread.charge_claim,
        find_order(entered),
        by,
        entered["text"],
        entered["last_seen_id"],
        correct_order_address=entered["correct_address"],
    )


def _other_thread(thread: Thread, reference: str) -> Thread:
    """Return the thread with the typed reference. Raises NotPossible if there is none."""
    other = Thread.objects.filter(reference=reference.strip().upper()).first()
    if other is None:
        raise NotPossible(_("No thread has this reference. Check it and try again."))
    return other


ACTIONS: tuple[CaseAction, ...] = (
    CaseAction(
        "answer",
        _("Answer"),
        lambda thread, by, entered: threads.answer(thread, by, entered["text"], entered["last_seen_id"]),
        ANY_STATUS,
        MESSAGE_TO_BUYER,
        is_primary=True,
        offers_next=True,
    ),
    CaseAction(
        "ask",
        _("Ask the buyer"),
        lambda thread, by, entered: threads.ask(thread, by, entered["text"], entered["last_seen_id"]),
        ANY_STATUS,
        MESSAGE_TO_BUYER,
        offers_next=True,
    ),
    CaseAction(
        "note",
        _("Add note"),
        lambda thread, by, entered: threads.add_note(thread, by, entered["note"]),
        ANY_STATUS,
        REQUIRED_NOTE_FIELDS,
    ),
    *queue_actions(Thread),
    CaseAction(
        "attach",
        _("Set order"),
        lambda thread, by, entered: threads.attach_order(thread, by, find_order(entered)),
        ANY_STATUS,
        ORDER_FIELDS,
    ),
    CaseAction(
        "merge",
        _("Merge into another thread"),
        lambda thread, by, entered: merging.merge(
            thread, _other_thread(thread, entered["reference"]), by, entered["last_seen_id"]
        ),
        OPEN,
        {"reference": text_input(_("Reference of the other thread"))} | LAST_SEEN,
        offers_next=True,
    ),
    CaseAction(
        "close",
        _("Close"),
        lambda thread, by, entered: threads.close(thread, by, entered["text"], entered["last_seen_id"]),
        OPEN,
        OPTIONAL_MESSAGE_TO_BUYER,
    ),
)
CLAIM_ACTIONS: tuple[CaseAction, ...] = (
    CaseAction(
        "match",
        _("Match to the order with this number"),
        _match,
        ANY_STATUS,
        ORDER_FIELDS | {"correct_address": _correct_address_field} | OPTIONAL_MESSAGE_TO_BUYER,
        offers_next=True,
    ),
    CaseAction(
        "no_match",
        _("No matching order"),
        lambda thread, by, entered: claims.mark_no_match(
            thread.charge_claim, by, entered["text"], entered["last_seen_id"]
        ),
        ANY_STATUS,
        MESSAGE_TO_BUYER,
    ),
)


def possible_actions(thread: Thread) -> list[CaseAction]:
    """The actions that the thread's status, and the outcome of its claim, allow."""
    if thread.merged_into_id is not None:
        return [each for each in ACTIONS if each.name in AFTER_MERGING]
    if thread.kind != Thread.Kind.CHARGE_CLAIM:
        return [each for each in ACTIONS if thread.status in each.statuses]
    is_open = thread.charge_claim.outcome == Outcome.OPEN
    # The actions of the claim attach its order, and an open claim can only be closed by deciding it.
    excluded = {"attach", "merge", "close"} if is_open else {"attach", "merge"}
    general = [each for each in ACTIONS if thread.status in each.statuses and each.name not in excluded]
    return [*[each for each in CLAIM_ACTIONS if is_open or each.name == "match"], *general]
