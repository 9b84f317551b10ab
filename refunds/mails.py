"""The mails about cases: one kind for each step, made at the moment of sending. `notifications` reads them."""

from typing import Any

from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.kinds import MailKind, register
from notifications.models import Message
from notifications.site import site_url
from orders import formats
from refunds.models import Case, CaseEvent, CashbackClaim, Return, Swap, Withdrawal
from refunds.moves import mail_kind_of

TEMPLATES = "refunds/emails"

# Steps of a return of which money has come, or may still.
DECIDED = {Return.Status.APPROVED, Return.Status.REFUNDED}
MONEY_COMES = DECIDED | Return.UNDECIDED

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
        shown |= {"facts": _facts_of(case, event), "money_comes": event.to_status in MONEY_COMES}
    return shown


def _facts_of(case: Return, event: CaseEvent) -> list[tuple[str, str]]:
    """What matters of a return at a glance, as it stood at this step."""
    facts = [
        (gettext("Reference"), case.reference),
        (gettext("Order number"), case.order.number),
        (gettext("Asked for"), formats.money(case.amount, case.currency)),
    ]
    if event.to_status in DECIDED and case.amount_approved is not None:
        facts.append((gettext("Approved"), formats.money(case.amount_approved, case.currency)))
    if event.to_status in MONEY_COMES:
        facts.append((gettext("The money goes to"), formats.payment_line(case.order) or gettext("the card or account that paid for it")))
    return facts


def step_is_known(message: Message) -> bool:
    return CaseEvent.objects.filter(pk=message.object_id).exists()


for case_type, label in LABELS.items():
    for status, status_label in case_type.Status.choices:  # type: ignore[attr-defined]
        name = mail_kind_of(case_type, status)
        step = format_lazy("{}: {}", label, status_label)
        register(MailKind(name, f"{TEMPLATES}/{name}", context, step_is_known, label=step))
