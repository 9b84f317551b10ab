"""A person who types an address can send only a few emails to it. Each case is still accepted."""

import pytest
from django.test import Client

from notifications.models import Message
from refunds.models import Withdrawal
from support.models import Thread
from tests.pages import text
from tests.support.submissions import link_in_latest_email, submit_claim, submit_message

pytestmark = pytest.mark.django_db

VICTIM = "victim@example.com"
RECEIPTS = ("contact_received", "claim_received")


def stranger(number: int) -> Client:
    """A browser at a separate network address."""
    return Client(REMOTE_ADDR=f"198.51.100.{number}")


def withdraw(number: int, email: str = VICTIM) -> str:
    """Submit a withdrawal. Returns the text of the page that acknowledges it."""
    browser = stranger(number)
    typed = {"name": "Vera Victim", "order_number": f"A-{number}", "email": email, "confirm": "1"}
    return text(browser.get(browser.post("/withdraw/", typed)["Location"]))


def test_messages_and_claims_share_the_limit_of_an_address() -> None:
    for number in range(4):
        submit_message(stranger(number), email=VICTIM)
        submit_claim(stranger(10 + number), email=VICTIM.upper())
    assert Message.objects.filter(kind__in=RECEIPTS).count() == 3
    assert Thread.objects.count() == 8
    submit_message(stranger(20), email="other@example.com")
    assert Message.objects.filter(kind__in=RECEIPTS).count() == 4


def test_the_page_of_a_message_without_a_receipt_shows_its_reference() -> None:
    browser = stranger(1)
    for _number in range(4):
        thread = submit_message(browser, email=VICTIM)
    page = text(browser.get(thread.path))
    assert "Write down your reference" in page
    assert thread.reference in page
    assert "Its link opens this page" not in page
    first = Thread.objects.order_by("pk").first()
    assert "Its link opens this page" in text(browser.get(first.path))


def test_receipts_never_use_up_the_acknowledgement_of_a_withdrawal() -> None:
    for number in range(10):
        submit_message(stranger(number), email=VICTIM)
    assert "repeats it" in withdraw(30)
    assert Message.objects.filter(kind="withdrawal_received").count() == 1


def test_withdrawals_count_as_receipts_and_are_limited_themselves() -> None:
    pages = [withdraw(number) for number in range(6)]
    assert "Print or save this page" in pages[-1]
    submit_message(stranger(30), email=VICTIM)
    assert Message.objects.filter(recipient=VICTIM).count() == 5
    assert Withdrawal.objects.count() == 6


def test_links_to_many_threads_of_one_address_are_limited_together() -> None:
    references = [submit_message(stranger(number), email=VICTIM).reference for number in range(5)]
    for number, reference in enumerate(references):
        stranger(40 + number).post(f"/help/threads/{reference}/link/")
    assert Message.objects.filter(kind="thread_link").count() == 3


def test_a_thread_that_its_owner_has_opened_gets_links_during_an_attack() -> None:
    own = submit_message(stranger(1), email=VICTIM)
    owner = stranger(2)
    assert owner.post(link_in_latest_email("contact_received"))["Location"] == own.path
    for number in range(3, 8):
        reference = submit_message(stranger(number), email=VICTIM).reference
        stranger(40 + number).post(f"/help/threads/{reference}/link/")
    Message.objects.filter(kind="thread_link").delete()
    owner.post(f"/help/threads/{own.reference}/link/")
    assert Message.objects.filter(kind="thread_link").count() == 1
