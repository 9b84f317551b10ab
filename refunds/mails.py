"""The mails about cases: one kind for each step, made at the moment of sending. `notifications` reads them."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.kinds import MailKind, register
from notifications.models import Message
from notifications.site import site_url
from orders import formats
from refunds.models import Case, CaseEvent, CashbackClaim, Return, Swap, Withdrawal
from refunds.moves import mail_kind_of

TEMPLATES = "refunds/emails"

LABELS: dict[type[Case], Any] = {
    Return: _("Your return"),
    Withdrawal: _("Your withdrawal"),
    Swap: _("Your product swap"),
    CashbackClaim: _("Your cashback claim"),
}


def context(message: Message) -> dict[str, Any]:
    """What every mail about a step says from: the step, its case, and the order where it is known."""
    event = CaseEvent.objects.select_related(*CaseEvent.CASES).get(pk=message.object_id)
    case = event.case
    order = case.about_order
    shown: dict[str, Any] = {
        "event": event,
        "case": case,
        "order": order,
        "url": site_url(case.path),
        "find_url": site_url(reverse("orders:find")),
    }
    if order is not None:
        shown |= {
            "zone": order.store.tzinfo,
            "payment": formats.payment_line(order),
            "reply_to": order.store.support_email,
        }
    if isinstance(case, Return):
        shown["lines"] = list(case.lines.select_related("line").order_by("line__position", "pk"))
        shown["facts"] = _facts_of(case)
    return shown


def _facts_of(case: Return) -> list[tuple[str, str]]:
    """What matters of a return at a glance."""
    amounts = [(gettext("Asked for"), case.amount)]
    if case.amount_approved is not None:
        amounts.append((gettext("Approved"), case.amount_approved))
    return [
        (gettext("Reference"), case.reference),
        (gettext("Order number"), case.order.number),
        *((label, formats.money(amount, case.currency)) for label, amount in amounts),
        (gettext("The money goes to"), formats.payment_line(case.order) or gettext("the way it was paid")),
    ]


def step_is_known(message: Message) -> bool:
    return CaseEvent.objects.filter(pk=message.object_id).exists()


for case_type, label in LABELS.items():
    for status in case_type.Status.values:  # type: ignore[attr-defined]
        name = mail_kind_of(case_type, status)
        register(MailKind(name, f"{TEMPLATES}/{name}", context, step_is_known, label=label))
