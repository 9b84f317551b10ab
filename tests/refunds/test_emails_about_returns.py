"""The emails about a return, as HTML and text."""

from decimal import Decimal
from email.message import EmailMessage

import pytest
from django.utils import timezone

from cases import services
from cases.transitions import Actor, locked, transition
from notifications import kinds, rendering
from notifications.models import Message
from orders.models import Order
from refunds.models import Return
from refunds.services import returns
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_agent, make_line, make_order, make_reason, make_store
from tests.pages import inside

pytestmark = pytest.mark.django_db

AMP = "Müller & <b>Söhne</b>"


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now(), number="A-1001")


def make_return(order: Order, comment: str = "") -> Return:
    return request_return(order, [RequestedLine(make_line(order, name=AMP).pk, 1)], make_reason(), comment)


def refund(case: Return) -> None:
    with locked(case) as current:
        transition(current, Return.Status.REFUNDED, Actor.STAFF)


def sent_email(kind: str) -> EmailMessage:
    message = Message.objects.get(kind=kind)
    return rendering.build(message, kinds.get(kind)).message()


def part(sent_email: EmailMessage, subtype: str) -> str:
    return next(
        piece.get_payload(decode=True).decode() for piece in sent_email.walk() if piece.get_content_subtype() == subtype
    )


def test_every_status_has_an_email(order: Order) -> None:
    agent, case = make_agent(), make_return(order, "By mistake")
    services.start_review(case, agent)
    services.ask_question(case, agent, "Which device?", note="Hidden")
    returns.approve(case, agent, Decimal("50.00"), text="Half, for half a month", note="Hidden")
    refund(case)
    sent = list(Message.objects.order_by("pk").values_list("kind", "recipient", "order_id", "language"))
    statuses = ["received", "in_review", "question_asked", "approved", "refunded"]
    assert sent == [(f"return_{step}", "buyer@example.com", order.pk, "en") for step in statuses]
    says = {
        "return_received": ("You wrote:", "By mistake", "reply by"),
        "return_in_review": ("We’re reviewing your return.",),
        "return_question_asked": ("Which device?", "Use the link below to answer"),
        "return_approved": (
            "You’ll get €50.00 back. You asked for €79.95.",
            "Half, for half a month",
            "We’ll send the money",
        ),
        "return_refunded": ("We’ve sent €50.00 back the way you paid.", "often need a few days"),
    }
    for kind, sentences in says.items():
        email = sent_email(kind)
        for text in (part(email, "plain"), part(email, "html")):
            for sentence in (
                *sentences,
                case.reference,
                "A-1001",
                "€79.95",
                "Visa ending in 4242",
                f"http://testserver{case.path}",
            ):
                assert sentence in text, kind
            assert "Hidden" not in text
        assert AMP in part(email, "plain")
        assert "Müller &amp; &lt;b&gt;Söhne&lt;/b&gt;" in part(email, "html")
        assert case.reference in str(email["Subject"])


def test_the_email_about_a_declined_return_names_the_reason_and_support(order: Order) -> None:
    case = make_return(order)
    services.decline(case, make_agent(), "Bought elsewhere", note="Hidden")
    email = sent_email("return_declined")
    assert email["Reply-To"] == "orders@testserver"
    for text in (part(email, "plain"), part(email, "html")):
        assert "Bought elsewhere" in text
        assert "Disagree? Reply to this email." in text
        assert "Hidden" not in text
        assert "Refund to" not in text


def test_canceling_a_return_sends_an_email(order: Order) -> None:
    services.cancel(make_return(order))
    email = sent_email("return_cancelled")
    assert "as you asked" in part(email, "plain")
    assert "If you didn’t cancel it" in part(email, "plain")


def test_emails_are_in_the_language_of_the_page_not_the_orders() -> None:
    for order, language in [
        (make_order(language="de", placed_at=timezone.now()), "en"),
        (make_order(language="", store=make_store(language="de"), placed_at=timezone.now()), "de"),
        (make_order(language="en", placed_at=timezone.now()), "de"),
    ]:
        line = make_line(order)
        form = {f"line-{line.pk}-quantity": 1, "reason": make_reason().pk, "confirm": "1"}
        sent = inside(order).post(f"/orders/{order.public_id}/return/", form, headers={"Accept-Language": language})
        assert sent.status_code == 302
        assert Message.objects.get(order_id=order.pk).language == language


def test_an_order_without_an_address_gets_no_email() -> None:
    order = make_order(store_email="", placed_at=timezone.now())
    assert make_return(order).status == "received"
    assert not Message.objects.exists()


def test_replies_go_to_the_stores_support(order: Order) -> None:
    order.store.support_email = "help@acme.example"
    order.store.save()
    services.decline(make_return(order), make_agent(), "No")
    email = sent_email("return_declined")
    assert email["Reply-To"] == "help@acme.example"
    assert "Reply to this email." in part(email, "plain")


def test_the_order_page_labels_each_email_by_its_status(order: Order) -> None:
    services.cancel(make_return(order))
    page = inside(order).get(f"/orders/{order.public_id}/").content.decode()
    assert "We’ve received your return request" in page
    assert "Your return is canceled" in page
