"""The emails about threads and charge claims. Registered with `notifications` at startup.

Anyone can write to support with any address. Emails to that address therefore repeat nothing that was typed: no text,
subject, file names or details of a claim. They contain the reference, a link, and what staff wrote. Only the copy for
the store's helpdesk contains the message.
"""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.addresses import mask_address
from notifications.kinds import PRIORITY_NOW, EmailKind, register
from notifications.models import Message
from notifications.site import site_url
from orders import formats
from orders.models import AccessLink
from support.models import Thread, ThreadLink, ThreadMessage
from support.services.threads import is_order_address

TEMPLATES = "support/emails"
MINUTES = int(ThreadLink.LIFETIME.total_seconds() // 60)


def about_message(message: Message) -> dict[str, Any]:
    """The context of every email about a message of a thread. Its key identifies the link that opens the thread."""
    said = _said(message)
    return _common(said) | {"url": _thread_url(ThreadLink.objects.get(pk=int(message.key)))}


def matched(message: Message) -> dict[str, Any]:
    """Its key identifies the link that opens the order."""
    said = _said(message)
    url = site_url(reverse("orders:access", args=[AccessLink.objects.get(pk=int(message.key)).make_token()]))
    return _common(said) | {"url": url}


def fresh_link(message: Message) -> dict[str, Any]:
    link = ThreadLink.objects.select_related("thread").get(pk=message.object_id)
    return {"thread": link.thread, "url": _thread_url(link), "minutes": MINUTES}


def forwarded(message: Message) -> dict[str, Any]:
    """For the helpdesk of a store, which answers the buyer directly."""
    said = _said(message)
    return _common(said) | {
        "reply_to": said.case.email,
        "quote": said.text,
        "quote_label": gettext("The buyer wrote:"),
        "url": site_url(reverse("admin:support_thread_change", args=[said.case_id])),
        "files": said.files.count(),
        "facts": [
            (gettext("From"), said.case.email),
            *_facts(said.case, tell_order=True),
            *_typed_facts(said.case),
        ],
    }


def _said(message: Message) -> ThreadMessage:
    found = ThreadMessage.objects.select_related("case__order__store", "case__store", "case__charge_claim")
    return found.get(pk=message.object_id)


def _common(said: ThreadMessage) -> dict[str, Any]:
    thread = said.case
    order = thread.order
    # The number of an order is sent only to its own address, regardless of who found it.
    is_theirs = order is not None and is_order_address(order, thread.email)
    facts = _facts(thread, tell_order=is_theirs)
    return {
        "thread": thread,
        "quote": said.text if said.actor == ThreadMessage.Actor.STAFF else "",
        "order": order,
        "masked": mask_address(order.email) if order and order.email else "",
        "facts": facts,
        "minutes": MINUTES,
        "zone": thread.store.locality if thread.store else timezone.get_default_timezone(),
        "reply_to": (thread.store.support_email if thread.store else ""),
    }


def _facts(thread: Thread, *, tell_order: bool) -> list[tuple[str, str]]:
    facts = [(gettext("Reference"), thread.reference)]
    if tell_order and thread.order is not None:
        facts.append((gettext("Order number"), thread.order.number))
    return facts


def _typed_facts(thread: Thread) -> list[tuple[str, str]]:
    """The person's input other than the text of the message."""
    claim = getattr(thread, "charge_claim", None)
    if claim is None:
        return [(gettext("Subject"), thread.subject)]
    facts = []
    if claim.amount is not None:
        facts.append((gettext("Amount"), claim.formatted_amount))
    if claim.charged_on is not None:
        facts.append((gettext("Charged on"), formats.day(claim.charged_on)))
    if claim.card_last4:
        card = formats.card_brand(claim.card_brand) if claim.card_brand else gettext("Card")
        words = gettext("%(card)s ending in %(digits)s") % {"card": card, "digits": claim.card_last4}
        facts.append((gettext("Card"), words))
    if claim.order_number and thread.order is None:
        facts.append((gettext("Order number"), claim.order_number))
    if claim.serial:
        facts.append((gettext("Serial number"), claim.serial))
    return facts


def _thread_url(link: ThreadLink) -> str:
    return site_url(reverse("support:open_thread", args=[link.make_token()]))


def said_is_known(message: Message) -> bool:
    return ThreadMessage.objects.filter(pk=message.object_id).exists()


def link_is_known(message: Message) -> bool:
    return ThreadLink.objects.filter(pk=message.object_id).exists()


ABOUT_MESSAGES = {
    "contact_received": _("Your message to support"),
    "claim_received": _("Your charge claim"),
    "thread_started": _("Message from support"),
    "thread_answered": _("Answer of support"),
    "thread_question_asked": _("Question of support"),
    "thread_closed": _("Closed by support"),
    "claim_matched_elsewhere": _("Your charge claim: order found"),
    "claim_not_found": _("Your charge claim: no order found"),
}
for name, label in ABOUT_MESSAGES.items():
    register(EmailKind(name, f"{TEMPLATES}/{name}.html", about_message, said_is_known, uses_key=True, label=label))
register(
    EmailKind(
        "claim_matched",
        f"{TEMPLATES}/claim_matched.html",
        matched,
        said_is_known,
        uses_key=True,
        label=_("Your charge claim: order found"),
    )
)
register(
    EmailKind(
        "thread_forwarded",
        f"{TEMPLATES}/thread_forwarded.html",
        forwarded,
        said_is_known,
        label=_("Forwarded to the helpdesk"),
    )
)
register(
    EmailKind(
        "thread_link",
        f"{TEMPLATES}/thread_link.html",
        fresh_link,
        link_is_known,
        priority=PRIORITY_NOW,
        label=_("Link to your message"),
    )
)
KINDS_ABOUT_MESSAGES = frozenset({*ABOUT_MESSAGES, "claim_matched", "thread_forwarded"})
