"""What buyers of the trial wrote to support: charge claims to match, and messages in every state."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from orders.formats import card_brand
from orders.models import Order
from portal.demo import vendor
from portal.demo.content import answers
from portal.demo.desk import receipt
from support.models import Thread
from support.services import claims, threads
from support.services.threads import Letter

FEES = Decimal("1.02")  # what a bank adds
DAYS = 20  # the orders that claims are about are younger


def make_letters(agent: User) -> None:
    """By the services that the pages call. The orders of the table stay untouched, for whoever tries the portal."""
    answers.load()
    if Thread.objects.exists():
        return
    known = [person.email for person in (vendor.WITH_CARD, vendor.WITH_PASSWORD, vendor.WITH_PAYPAL)]
    since = timezone.now() - timedelta(days=DAYS)
    recent = Order.objects.filter(status=Order.Status.COMPLETED, placed_at__gte=since).exclude(card_last4="")
    for number, order in enumerate(recent.exclude(store_email__in=known).newest_first()[:3]):
        _make_claim(number, order, agent)
    for order in recent.exclude(store_email__in=known).newest_first()[3:4]:
        _make_message(order, agent)


def _make_claim(number: int, order: Order, agent: User) -> None:
    """The first with a slip in the address, the second with a bank's fees, the third answered with a question."""
    mailbox, _at, domain = order.email.partition("@")
    email = f"{mailbox[:-2]}{mailbox[-1]}@{domain}" if number == 0 and len(mailbox) > 2 else order.email
    known = {
        "amount": (order.total * FEES).quantize(Decimal("0.01")) if number == 1 else order.total,
        "currency": order.currency,
        "charged_on": order.placed_at.date() + timedelta(days=number),
        "card_brand": card_brand(order.card_brand) if order.card_brand else "",
        "card_last4": order.card_last4,
    }
    text = "The money is gone from my account, and no confirmation came."
    letter = Letter(
        Thread.Kind.CHARGE_CLAIM, email, "Charged, and no order found", text, uuid4(), order.language, [receipt()]
    )
    thread, _new = claims.file_claim(letter, known)
    if number == 2:
        threads.ask(thread, agent, "Which email address did you use for the purchase?")


def _make_message(order: Order, agent: User) -> None:
    text = "The installer stops at the half of it. What can I do?"
    letter = Letter(Thread.Kind.CONTACT, order.email, "Installer stops", text, uuid4(), order.language, order=order)
    thread, _new = threads.open_thread(letter)
    threads.answer(thread, agent, "Please press Download once more in your order: it goes on where it stopped.")
