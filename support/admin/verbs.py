"""What staff can do with a thread: each a service, the words it wants, and when it is possible."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from orders.models import Order
from refunds.admin.verbs import ONLY_NOTE, ORDER_NUMBER, Said, Verb
from refunds.refusals import NotPossible
from support.models import ChargeClaim, Thread
from support.services import claims, threads

Status = Thread.Status
Outcome = ChargeClaim.Outcome
EVERY = frozenset(Status.values)
OPEN = EVERY - {Status.CLOSED}
TEXT_ROWS = 8


def _seen(thread: Any) -> forms.Field:
    """The last that was said to or by the buyer when the page was made: who decides has read so far."""
    last = thread.messages.filter(is_internal=False).order_by("-pk").values_list("pk", flat=True).first()
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


def order_named(said: Said) -> Order:
    """The one order with this number, of this store where it is said. Raises NotPossible."""
    found = Order.objects.for_number(said["number"]).select_related("store")
    if said["store"]:
        found = found.filter(store=said["store"])
    orders = list(found[:2])
    if not orders:
        raise NotPossible(_("There is no order with this number."))
    if len(orders) > 1:
        raise NotPossible(_("Several stores have this number. Please choose the store, too."))
    return orders[0]


def _match(thread: Thread, by: User, said: Said) -> None:
    order = order_named(said)
    claims.match(thread.charge_claim, order, by, said["text"], said["seen"], mend_address=said["mend"])


VERBS: tuple[Verb, ...] = (
    Verb(
        "answer",
        _("Answer"),
        lambda thread, by, said: threads.answer(thread, by, said["text"], said["seen"]),
        EVERY,
        TO_BUYER,
        is_main=True,
    ),
    Verb(
        "ask",
        _("Ask the buyer"),
        lambda thread, by, said: threads.ask(thread, by, said["text"], said["seen"]),
        EVERY,
        TO_BUYER,
    ),
    Verb(
        "note",
        _("Add a note"),
        lambda thread, by, said: threads.note(thread, by, said["note"]),
        EVERY,
        ONLY_NOTE,
    ),
    Verb("take", _("Take it on"), lambda thread, by, said: threads.assign(thread, by, by), OPEN, {}),
    Verb(
        "assign",
        _("Assign"),
        lambda thread, by, said: threads.assign(thread, by, said["to"]),
        OPEN,
        {"to": _colleague},
    ),
    Verb(
        "attach",
        _("Name its order"),
        lambda thread, by, said: threads.attach_order(thread, by, order_named(said)),
        EVERY,
        ORDER_NUMBER,
    ),
    Verb(
        "close",
        _("Close"),
        lambda thread, by, said: threads.close(thread, by, said["text"], said["seen"]),
        OPEN,
        LAST_WORD,
    ),
)
CLAIM_VERBS: tuple[Verb, ...] = (
    Verb("match", _("Match to the order with this number"), _match, EVERY, ORDER_NUMBER | {"mend": _mend} | LAST_WORD),
    Verb(
        "no_match",
        _("No order fits"),
        lambda thread, by, said: claims.no_match(thread.charge_claim, by, said["text"], said["seen"]),
        EVERY,
        TO_BUYER,
    ),
)


def possible(thread: Thread) -> list[Verb]:
    """What can be done with a thread as it stands."""
    if thread.kind != Thread.Kind.CHARGE_CLAIM:
        return [verb for verb in VERBS if thread.status in verb.statuses]
    is_open = thread.charge_claim.outcome == Outcome.OPEN
    # An open claim is matched or not, and that names its order and ends it.
    left_out = {"attach", "close"} if is_open else {"attach"}
    general = [verb for verb in VERBS if thread.status in verb.statuses and verb.name not in left_out]
    return [*[verb for verb in CLAIM_VERBS if is_open or verb.name == "match"], *general]
