"""The emails about cases: one kind for each status. Registered with `notifications` at startup.

Returns, swaps and cashback claims are made by people who opened the order. Their emails go to the order's address and
repeat what the person wrote. Anyone can submit a withdrawal with any address. Its acknowledgement repeats the
statement, as the law requires, in fixed sentences with a name and a number (see refunds/statements.py). Later emails
don't repeat it.
"""

from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase
from cases.transitions import email_kind
from notifications.kinds import EmailKind, Item, register
from notifications.models import Message
from notifications.site import site_url
from notifications.vendor_texts import vendor_text
from orders import formats
from orders.emails import how_to_open
from orders.models import Order
from orders.money import format_money
from orders.recipients import order_recipient
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from refunds.price_differences import format_price_difference
from refunds.services.withdrawals import find_order
from refunds.statements import clean_name, clean_order_number

TEMPLATES = "refunds/emails"

# Steps of a return for which money was refunded, or may still be.
DECIDED = {Return.Status.APPROVED, Return.Status.REFUNDED}
MONEY_COMES = DECIDED | Return.UNDECIDED
# The status of an approved case of any kind after its approval was revoked.
TAKEN_BACK = {Return.Status.DECLINED, Return.Status.CANCELLED}

# The headings of the emails. Whole sentences, because the words for a status agree with their noun in most languages.
LABELS: dict[type[DecidedCase], dict[str, Any]] = {
    Return: {
        Return.Status.RECEIVED: _("We’ve received your return request"),
        Return.Status.IN_REVIEW: _("Your return is in review"),
        Return.Status.QUESTION_ASKED: _("We have a question about your return"),
        Return.Status.APPROVED: _("Your return is approved"),
        Return.Status.REFUNDED: _("Your refund is on its way"),
        Return.Status.DECLINED: _("Your return was declined"),
        Return.Status.CANCELLED: _("Your return is canceled"),
    },
    Withdrawal: {
        Withdrawal.Status.RECEIVED: _("We’ve received your withdrawal"),
        Withdrawal.Status.IN_REVIEW: _("We’re processing your withdrawal"),
        Withdrawal.Status.QUESTION_ASKED: _("We have a question about your withdrawal"),
        Withdrawal.Status.APPROVED: _("Your withdrawal is accepted"),
        Withdrawal.Status.REFUNDED: _("The refund after your withdrawal is on its way"),
        Withdrawal.Status.DECLINED: _("We can’t accept your withdrawal"),
    },
    Swap: {
        Swap.Status.RECEIVED: _("We’ve received your product swap request"),
        Swap.Status.IN_REVIEW: _("Your product swap is in review"),
        Swap.Status.QUESTION_ASKED: _("We have a question about your product swap"),
        Swap.Status.APPROVED: _("Your product swap is approved"),
        Swap.Status.SWAPPED: _("Your new serial number is here"),
        Swap.Status.DECLINED: _("Your product swap was declined"),
        Swap.Status.CANCELLED: _("Your product swap is canceled"),
    },
    CashbackClaim: {
        CashbackClaim.Status.RECEIVED: _("We’ve received your cashback claim"),
        CashbackClaim.Status.IN_REVIEW: _("Your cashback claim is in review"),
        CashbackClaim.Status.QUESTION_ASKED: _("We have a question about your cashback claim"),
        CashbackClaim.Status.APPROVED: _("Your cashback claim is approved"),
        CashbackClaim.Status.PAID: _("Your cashback is on its way"),
        CashbackClaim.Status.DECLINED: _("Your cashback claim was declined"),
        CashbackClaim.Status.CANCELLED: _("Your cashback claim is canceled"),
    },
}


def context(case_type: type[DecidedCase], message: Message) -> dict[str, Any]:
    """Return the context of every email about a step: the step, its case, and the order if it is known."""
    event = case_type.event_model()._default_manager.select_related("case").get(pk=message.object_id)
    case = event.case
    if isinstance(case, Withdrawal) and case.order is None and case.is_matching_due:
        case.order = find_order(case)  # not saved: `match_withdrawals` does that in a moment
    order = case.about_order
    shown: dict[str, Any] = {
        "event": event,
        "case": case,
        "order": order,
        "quote": event.text,
        "quote_label": gettext("You wrote:") if event.actor == CaseEvent.Actor.BUYER else "",
        "zone": order.locality if order is not None else timezone.get_default_timezone(),
    }
    if order is not None:
        shown |= {"reply_to": order.store.support_email}
    if order is not None and _is_recipients_order(case, order):
        shown |= {"url": site_url(case.path), "order_number": order.number}
    if isinstance(case, Withdrawal):
        shown |= _about_withdrawal(case, event, order)
    if isinstance(case, Return):
        shown |= {"items": _items(case), "how_to_open": how_to_open(case.order)}
        shown |= {"facts": _facts_of(case, event), "money_comes": event.to_status in MONEY_COMES}
    if isinstance(case, Swap):
        shown |= {"facts": _facts_of_swap(case, event), "how_to_open": how_to_open(case.order)}
    if isinstance(case, CashbackClaim):
        shown |= {"facts": _facts_of_claim(case, event), "how_to_open": how_to_open(case.order)}
    if isinstance(case, Swap) and event.to_status == Swap.Status.SWAPPED:
        shown["url"] = site_url(reverse("orders:order", args=[case.order.public_id]))
    return shown


def _items(case: Return) -> list[Item]:
    return [
        Item(
            f"{returned.quantity} × {returned.line.name}",
            format_money(returned.amount, case.currency),
            gettext("includes %(tax)s tax") % {"tax": format_money(returned.tax, case.currency)},
        )
        for returned in case.lines.select_related("line").order_by("line__position", "pk")
    ]


def _facts_of(case: Return, event: CaseEvent) -> list[tuple[str, str]]:
    """Return the key facts of a return, as of this step."""
    facts = [
        (gettext("Reference"), case.reference),
        (gettext("Order number"), case.order.number),
        (gettext("Amount requested"), format_money(case.amount, case.currency)),
    ]
    if event.to_status in DECIDED and case.amount_approved is not None:
        facts.append((gettext("Approved"), format_money(case.amount_approved, case.currency)))
    if event.to_status in MONEY_COMES:
        facts.append(
            (
                gettext("Refund to"),
                formats.payment_line(case.order) or gettext("the card or account that paid for it"),
            )
        )
    return facts


def _facts_of_swap(case: Swap, event: CaseEvent) -> list[tuple[str, str]]:
    facts = [
        (gettext("Reference"), case.reference),
        (gettext("Order number"), case.order.number),
        (gettext("What you bought"), case.line.name),
        (gettext("New product"), case.wanted),
        (gettext("Difference"), format_price_difference(case.price_difference, case.currency)),
    ]
    if event.to_status == Swap.Status.SWAPPED and case.new_license is not None:
        facts.append((gettext("New serial number"), case.new_license.serial))
    return facts


def _is_recipients_order(case: DecidedCase, order: Order) -> bool:
    """Whether the email goes to the order's own address. The order of a withdrawal may have been set by staff."""
    return not isinstance(case, Withdrawal) or bool(case.email_key and case.email_key == order.email_key)


def _about_withdrawal(case: Withdrawal, event: CaseEvent, order: Order | None) -> dict[str, Any]:
    """Return the statement as it was made, with its date and time, if the email is its acknowledgement."""
    zone = order.locality if order else timezone.get_default_timezone()
    moment = formats.exact_time(case.created_at, zone)
    facts = [(gettext("Reference"), case.reference)]
    about: dict[str, Any] = {}
    own_number, own_address = (
        (order.number, order.email) if order is not None and _is_recipients_order(case, order) else ("", "")
    )
    if event.to_status == Withdrawal.Status.RECEIVED:
        about["stated_number"] = clean_order_number(case.order_number) or own_number
        facts += [(gettext("Name"), clean_name(case.name)), (gettext("Order number"), about["stated_number"])]
        # Parts of an address can be made up and still reach its mailbox (name+anything@…).
        facts.append((gettext("Email address"), own_address))
    else:
        facts.append((gettext("Order number"), own_number))
    facts.append((gettext("Received on"), moment))
    about["facts"] = [(label, value) for label, value in facts if value]
    if event.actor == CaseEvent.Actor.BUYER:
        about["quote"] = ""
    return about


def _facts_of_claim(case: CashbackClaim, event: CaseEvent) -> list[tuple[str, str]]:
    """Return the key facts of a claim, but never the bank details."""
    to_bank = case.payout_method == CashbackClaim.PayoutMethod.BANK
    way = formats.payment_line(case.order) or gettext("the card or account that paid for it")
    facts = [
        (gettext("Reference"), case.reference),
        (gettext("Order number"), case.order.number),
        (gettext("Promotion"), vendor_text(case.promotion.name)),
        (gettext("Serial number"), case.license.serial),
        (gettext("Amount"), format_money(case.amount, case.currency)),
    ]
    if event.to_status not in (CashbackClaim.Status.DECLINED, CashbackClaim.Status.CANCELLED):
        facts.append((gettext("Paid to"), gettext("your bank account") if to_bank else way))
    if event.to_status == CashbackClaim.Status.PAID:
        facts.append((gettext("Payout reference"), case.payout_reference))
    return facts


def is_wanted(case_type: type[DecidedCase], message: Message) -> bool:
    """Whether the step still exists, and isn't an approval that was revoked before its email was sent."""
    events = case_type.event_model()._default_manager.select_related("case")
    event = events.filter(pk=message.object_id).first()
    if event is None:
        return False
    return event.to_status != Return.Status.APPROVED or event.case.status not in TAKEN_BACK


# Emails about a withdrawal go to the address in its statement.
RECIPIENTS = {Return: order_recipient, Swap: order_recipient, CashbackClaim: order_recipient}
for case_type, labels in LABELS.items():
    for status, label in labels.items():
        name = email_kind(case_type, status)
        about, wanted = partial(context, case_type), partial(is_wanted, case_type)
        recipient = RECIPIENTS.get(case_type)
        register(EmailKind(name, f"{TEMPLATES}/{name}.html", about, wanted, recipient=recipient, label=label))
