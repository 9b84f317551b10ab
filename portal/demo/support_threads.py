"""Threads with support in the demo: charge claims to match and a message that is answered."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from orders.formats import card_brand
from orders.models import Order
from portal.demo import vendor
from portal.demo.refund_cases import make_receipt
from portal.sample_content import answer_templates
from support.models import Thread
from support.services import claims, threads
from support.services.threads import ContactMessage

BANK_FEE_FACTOR = Decimal("1.02")
MAX_ORDER_AGE = timedelta(days=20)
CLAIMS = 3


def create_threads(agent: User) -> None:
    """Create the threads with the services that the pages call, unless there are threads already.

    The orders of vendor.PRINTED_BUYERS are not touched, so that visitors can try everything with them.
    """
    answer_templates.load_answer_templates()
    if Thread.objects.exists():
        return
    printed_emails = [buyer.email for buyer in vendor.PRINTED_BUYERS]
    since = timezone.now() - MAX_ORDER_AGE
    recent = Order.objects.filter(status=Order.Status.COMPLETED, placed_at__gte=since).exclude(card_last4="")
    orders = list(recent.exclude(store_email__in=printed_emails).newest_first()[: CLAIMS + 1])
    for number, order in enumerate(orders[:CLAIMS]):
        _create_claim(number, order, agent)
    for order in orders[CLAIMS:]:
        _create_answered_message(order, agent)


def _create_claim(number: int, order: Order, agent: User) -> None:
    """Claim 0 has a typo in its address, claim 1 includes a bank's fees, claim 2 got a question from support."""
    mailbox, _at, domain = order.email.partition("@")
    email = f"{mailbox[:-2]}{mailbox[-1]}@{domain}" if number == 0 and len(mailbox) > 2 else order.email
    claim_fields = {
        "amount": (order.total * BANK_FEE_FACTOR).quantize(Decimal("0.01")) if number == 1 else order.total,
        "currency": order.currency,
        "charged_on": order.placed_at.date() + timedelta(days=number),
        "card_brand": card_brand(order.card_brand) if order.card_brand else "",
        "card_last4": order.card_last4,
    }
    message = ContactMessage(
        Thread.Kind.CHARGE_CLAIM,
        email,
        "Charged, but no order found",
        "I was charged, but I didn’t get a confirmation.",
        uuid4(),
        order.language,
        [make_receipt()],
    )
    thread, _created = claims.create_claim(message, claim_fields)
    if number == 2:
        threads.ask(thread, agent, "Which email address did you use for the purchase?")


def _create_answered_message(order: Order, agent: User) -> None:
    text = "The download stops halfway. What can I do?"
    message = ContactMessage(
        Thread.Kind.CONTACT, order.email, "Download stops", text, uuid4(), order.language, order=order
    )
    thread, _created = threads.open_thread(message)
    threads.answer(thread, agent, "Select Download in your order again. It continues where it stopped.")
