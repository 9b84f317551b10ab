"""What staff can do with a thread: each a service, the words it wants, and when it is possible."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from cases.admin.actions import ORDER_FIELDS, REQUIRED_NOTE_FIELDS, CaseAction, CleanedData, find_order
from support.models import ChargeClaim, Thread
from support.services import claims, threads

Status = Thread.Status
Outcome = ChargeClaim.Outcome
EVERY = frozenset(Status.values)
OPEN = EVERY - {Status.CLOSED}
TEXT_ROWS = 8


def _seen(thread: Any) -> forms.Field:
    """The last that was said to or by the buyer when the page was made: who decides has read so far."""
    last = thread.events.filter(note="").order_by("-pk").values_list("pk", flat=True).first()
    return forms.IntegerField(required=False, initial=last, widget=forms.HiddenInput)


def _text(label: Any, *, required: bool = True) -> Any:
    return lambda thread: forms.CharField(
        label=label, required=required, max_length=10000, widget=UnfoldAdminTextareaWidget(attrs={"rows": TEXT_ROWS})
    )


def _colleague(thread: Any) -> forms.Field:
    return forms.ModelChoiceField(
        User.objects.filter(is_staff=True, is_active=True).order_by("username"),
        label=_("Who works on it"),
        required=False,
        initial=thread.assigned_to_id,
        empty_label=str(_("nobody")),
        widget=UnfoldAdminSelectWidget(),
    )


SEEN = {"seen": _seen}
TO_BUYER = {"text": _text(_("To the buyer (goes into the mail)"))} | SEEN
LAST_WORD = {"text": _text(_("To the buyer (goes into the mail)"), required=False)} | SEEN


def _mend(thread: Any) -> forms.Field:
    return forms.BooleanField(
        label=_("The address of the order is mistyped: from now on it is %(email)s") % {"email": thread.email},
        required=False,
        help_text=_("The address that it had is told, and can undo it for 48 hours."),
        widget=UnfoldBooleanWidget(),
    )


def _match(thread: Thread, by: User, entered: CleanedData) -> None:
    order = find_order(entered)
    claims.match(thread.charge_claim, order, by, entered["text"], entered["seen"], mend_address=entered["mend"])


ACTIONS: tuple[CaseAction, ...] = (
    CaseAction(
        "answer",
        _("Answer"),
        lambda thread, by, entered: threads.answer(thread, by, entered["text"], entered["seen"]),
        EVERY,
        TO_BUYER,
        is_primary=True,
    ),
    CaseAction(
        "ask",
        _("Ask the buyer"),
        lambda thread, by, entered: threads.ask(thread, by, entered["text"], entered["seen"]),
        EVERY,
        TO_BUYER,
    ),
    CaseAction(
        "note",
        _("Add a note"),
        lambda thread, by, entered: threads.note(thread, by, entered["note"]),
        EVERY,
        REQUIRED_NOTE_FIELDS,
    ),
    CaseAction("take", _("Take it on"), lambda thread, by, entered: threads.assign(thread, by, by), OPEN, {}),
    CaseAction(
        "assign",
        _("Assign"),
        lambda thread, by, entered: threads.assign(thread, by, entered["to"]),
        OPEN,
        {"to": _colleague},
    ),
    CaseAction(
        "attach",
        _("Name its order"),
        lambda thread, by, entered: threads.attach_order(thread, by, find_order(entered)),
        EVERY,
        ORDER_FIELDS,
    ),
    CaseAction(
        "close",
        _("Close"),
        lambda thread, by, entered: threads.close(thread, by, entered["text"], entered["seen"]),
        OPEN,
        LAST_WORD,
    ),
)
CLAIM_ACTIONS: tuple[CaseAction, ...] = (
    CaseAction(
        "match", _("Match to the order with this number"), _match, EVERY, ORDER_FIELDS | {"mend": _mend} | LAST_WORD
    ),
    CaseAction(
        "no_match",
        _("No order fits"),
        lambda thread, by, entered: claims.no_match(thread.charge_claim, by, entered["text"], entered["seen"]),
        EVERY,
        TO_BUYER,
    ),
)


def possible(thread: Thread) -> list[CaseAction]:
    """What can be done with a thread as it stands."""
    if thread.kind != Thread.Kind.CHARGE_CLAIM:
        return [each for each in ACTIONS if thread.status in each.statuses]
    is_open = thread.charge_claim.outcome == Outcome.OPEN
    # An open claim is matched or not, and that names its order and ends it.
    left_out = {"attach", "close"} if is_open else {"attach"}
    general = [each for each in ACTIONS if thread.status in each.statuses and each.name not in left_out]
    return [*[each for each in CLAIM_ACTIONS if is_open or each.name == "match"], *general]
