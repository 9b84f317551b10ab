"""A stranger writes with someone else's address. No email to it repeats anything that the stranger typed."""

from collections.abc import Iterator
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases import services as cases
from notifications import delivery, kinds
from notifications.models import Message
from orders.models import Order
from refunds.models import Withdrawal
from refunds.services import withdrawals
from refunds.services.transactions import mark_done
from support.answer_fields import fill_in
from support.models import Thread, ThreadMessage
from support.services import claims, threads
from tests.factories import make_agent, make_line, make_order, make_store
from tests.files.factories import jpeg, upload
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db

HOSTILE = 'Renew at https://evil-shop.example/pay <i onclick="x">today</i> or call +1 (800) 555-0199. Mallory'
# Traces of the input, even if it was escaped, truncated or normalized.
TRACES = (
    "evil-",
    "renew at",
    "onclick",
    "&lt;i",
    "555-0199",
    "5550199",
    "mallory",
    "98.76",
    "2026-11-02",
    "in 1881",
)
# Reaches the mailbox victim@…, and contains additional words.
MADE_UP_ADDRESS = "victim+evil-shop.example/5550199@example.com"
OWN_ADDRESS = "victim@example.com"
HELPDESK = "desk@store.example"

# Emails to the store's own helpdesk, which has to read the message.
TO_STAFF = {"thread_forwarded"}
# Only triggered by people who opened the order, or by staff or the store, and sent to the order's address.
NEEDS_ACCESS_TO_THE_ORDER = {
    *(f"return_{step}" for step in ("received", "in_review", "question_asked", "approved", "refunded")),
    *(f"return_{step}" for step in ("declined", "cancelled")),
    *(f"swap_{step}" for step in ("received", "in_review", "question_asked", "approved", "swapped")),
    *(f"swap_{step}" for step in ("declined", "cancelled")),
    *(f"cashback_{step}" for step in ("received", "in_review", "question_asked", "approved", "paid")),
    *(f"cashback_{step}" for step in ("declined", "cancelled")),
    "address_corrected_old",
    "address_correction_undone",
    "address_correction_undone_support",
    "order_password_replaced",
    "device_released",
    "lookup_code",
    # To the address whose emailed link confirmed a request; staff released or erased the data.
    "person_export",
    "person_erased",
}
# Triggered by imports and schedules: they contain nothing that was typed on a page of the portal.
ABOUT_IMPORTED_DATA = {
    "downloads_end",
    "license_ends",
    "license_not_activated",
    "refund_arrived",
    "serial_arrived",
    "serial_missing",
}


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def order() -> Order:
    """Someone's order. The stranger knows its number and the address."""
    order = make_order(
        number="A-1001", store_email=OWN_ADDRESS, billing_name="Vera Victim", store=make_store(support_email=HELPDESK)
    )
    make_line(order)
    return order


class Stranger:
    """Someone who opened nothing. Each request comes from a different network address."""

    def __init__(self) -> None:
        self.requests = 0

    def post(self, path: str, **typed: object) -> str:
        self.requests += 1
        browser = Client(REMOTE_ADDR=f"192.0.2.{self.requests}")
        answer = browser.post(path, {"submission_id": str(uuid4())} | typed)
        assert answer.status_code == 302, answer.content.decode()
        self.browser = browser
        return str(answer["Location"])

    def write(self, email: str) -> Thread:
        path = self.post(
            "/help/contact/",
            email=email,
            subject=HOSTILE,
            message=HOSTILE,
            files=upload(jpeg(), f"{HOSTILE}.jpg"),
        )
        return Thread.objects.get(reference=path.split("/")[-2])

    def claim(self, email: str) -> Thread:
        path = self.post(
            "/help/charged/",
            email=email,
            amount="98.76",
            charged_on="2026-11-02",
            card_brand="evil-shop.example",
            card_last4="1881",
            order_number="https://evil-shop.example",
            serial="CALL+1-800-555-0199",
            other_emails="mallory@evil-shop.example",
            message=HOSTILE,
            proof=upload(jpeg(), "evil-shop.example.jpg"),
        )
        return Thread.objects.get(reference=path.split("/")[-2])

    def withdraw(self, email: str, number: str) -> Withdrawal:
        path = self.post("/withdraw/", email=email, name="Ann Other", order_number=number, confirm="1")
        withdrawals.match_withdrawals()
        return Withdrawal.objects.get(reference=path.split("/")[-2])


def cause_all_emails(stranger: Stranger, order: Order) -> None:
    """Do everything that a stranger can do, and everything that staff do with it."""
    agent = make_agent()
    greeting = "Hello {name}, about {reference}:"

    answered = stranger.write(MADE_UP_ADDRESS)
    stranger.browser.post(answered.path, {"message": HOSTILE, "files": upload(jpeg(), "evil-shop.example.jpg")})
    threads.answer(answered, agent, fill_in(greeting, answered, agent))
    threads.attach_order(answered, agent, order)
    answered.refresh_from_db()
    threads.answer(answered, agent, fill_in(greeting, answered, agent))
    stranger.post(f"{answered.path}link/")
    stranger.browser.post(answered.path, {"message": HOSTILE})
    threads.ask(answered, agent, "Which version?")
    question = ThreadMessage.objects.filter(case=answered).latest("pk")
    Message.objects.create(kind="thread_question_open", object_id=question.pk, recipient=answered.email)
    threads.start(agent, answered, "Your question", "Which version do you use?", submission_id=uuid4())
    closed = stranger.write(OWN_ADDRESS)
    threads.attach_order(closed, agent, order)
    threads.close(closed, agent)

    claims.match_to_order(stranger.claim(OWN_ADDRESS).charge_claim, order, agent)
    claims.match_to_order(stranger.claim(MADE_UP_ADDRESS).charge_claim, order, agent)
    claims.mark_no_match(stranger.claim(MADE_UP_ADDRESS).charge_claim, agent, "Please ask your bank.")

    for email, number in ((OWN_ADDRESS, "a-1001"), (MADE_UP_ADDRESS, "A-1001"), (MADE_UP_ADDRESS, "B-2002")):
        case = stranger.withdraw(email, number)
        cases.start_review(case, agent)
        cases.ask_question(case, agent, "On which day?")
        withdrawals.record_answer(case, agent, HOSTILE)
        if email == OWN_ADDRESS:
            case.refresh_from_db()
            withdrawals.approve(case, agent)
            mark_done(case.transactions.get(), "BACK-OFFICE-1", agent)
        else:
            withdrawals.attach_order(case, order, agent)
            cases.decline(case, agent, "It is too late.")

    make_agent(email=OWN_ADDRESS)
    stranger.post("/admin/password-reset/", email=f" {OWN_ADDRESS.upper()} ", next="/admin/?q=evil-shop.example")
    stranger.post("/orders/find/link/", email=f" {OWN_ADDRESS.upper()} ", next="/help/search/?q=evil-shop.example")
    for kind in ("copy", "erasure"):
        stranger.post("/my-data/", email=f" {OWN_ADDRESS.upper()} ", kind=kind, next=HOSTILE)


def parts(email: EmailMessage) -> Iterator[tuple[str, str]]:
    """Return name and decoded content of everything in an email except its recipient."""
    for name, value in email.items():
        if name != "To":
            yield name, str(value)
    for part in email.walk():
        if not part.is_multipart():
            yield part.get_content_type(), part.get_content()


def test_every_kind_of_email_is_in_one_of_the_lists(mail_server: MailServer, order: Order) -> None:
    """Add a new kind to a list above, or let the stranger trigger it."""
    cause_all_emails(Stranger(), order)
    caused = set(Message.objects.values_list("kind", flat=True))
    assert caused.isdisjoint(NEEDS_ACCESS_TO_THE_ORDER | ABOUT_IMPORTED_DATA)
    assert caused | NEEDS_ACCESS_TO_THE_ORDER | ABOUT_IMPORTED_DATA == set(kinds.names())


def test_no_email_to_an_unproven_address_repeats_what_was_typed(mail_server: MailServer, order: Order) -> None:
    cause_all_emails(Stranger(), order)
    while delivery.deliver_due():
        pass
    assert not Message.objects.exclude(status=Message.Status.SENT).exists()
    to_buyers = [email for email in mail_server.emails if HELPDESK not in str(email["To"])]
    assert len(to_buyers) > 20
    for email in to_buyers:
        for part, content in parts(email):
            found = [trace for trace in TRACES if trace in content.casefold()]
            assert not found, (str(email["Subject"]), part, found)


def test_data_of_an_attached_order_goes_only_to_its_own_address(mail_server: MailServer, order: Order) -> None:
    cause_all_emails(Stranger(), order)
    while delivery.deliver_due():
        pass
    elsewhere = [email for email in mail_server.emails if MADE_UP_ADDRESS in str(email["To"])]
    assert elsewhere
    for email in elsewhere:
        for _part, content in parts(email):
            assert "Vera" not in content
            assert OWN_ADDRESS not in content
            # Only the acknowledgement repeats the number, because the stranger stated it.
            assert "A-1001" not in content or "You stated on" in content
            assert str(order.public_id) not in content


def test_the_helpdesk_gets_the_whole_message(mail_server: MailServer, order: Order) -> None:
    Stranger().claim(OWN_ADDRESS)
    delivery.deliver_due()
    [copy] = [email for email in mail_server.emails if HELPDESK in str(email["To"])]
    text = dict(parts(copy))["text/plain"]
    for fact in (HOSTILE, "98.76", "CALL+1-800-555-0199"):
        assert fact in text


def test_what_a_withdrawal_repeats_cannot_be_made_into_a_message(mail_server: MailServer, order: Order) -> None:
    """Even if a statement was not stored by the form."""
    statement = withdrawals.WithdrawalStatement(HOSTILE, "https://evil-shop.example", MADE_UP_ADDRESS)
    withdrawals.withdraw(statement, "en")
    delivery.deliver_due()
    [email] = mail_server.emails
    content = dict(parts(email))
    assert "I withdraw from my contract with" in content["text/plain"]
    assert not [trace for trace in TRACES for part in content.values() if trace in part.casefold()]
    assert timezone.now().strftime("%Y") in content["text/plain"]
