"""The emails about swaps and cashback claims, as HTML and text."""

from decimal import Decimal

import pytest
from django.utils import timezone

from cases import services
from notifications import kinds, rendering
from notifications.models import Message
from refunds.models import CashbackClaim, Swap, SwapOffer
from refunds.payout_details import PayoutDetails
from refunds.services import cashback, swaps
from refunds.services.swaps import SwapRequest
from tests.factories import make_agent, make_line, make_order, make_product
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license, order_of

pytestmark = pytest.mark.django_db

AMP = "Müller & <b>Söhne</b>"
IBAN = "DE89370400440532013000"


def make_swap(comment: str = "", price: str = "89.95") -> Swap:
    order = make_order(placed_at=timezone.now(), number="A-1001")
    offer = SwapOffer.objects.create(
        store=order.store, product=make_product(), name=AMP, currency="EUR", price=Decimal(price)
    )
    return swaps.request_swap(order, SwapRequest(make_line(order).pk, offer, comment))


def make_bank_claim() -> CashbackClaim:
    license = make_purchased_license(order=make_order(placed_at=timezone.now(), number="A-1001"))
    assert license.product
    make_promotion(license.product, name=AMP)
    return make_claim(license, details=PayoutDetails("Bea Buyer", IBAN))


def rendered_parts(kind: str) -> tuple[str, str, str]:
    """Return subject, plain text and HTML of the email of this kind."""
    message = Message.objects.get(kind=kind)
    built = rendering.build(message, kinds.get(kind))
    bodies = {
        piece.get_content_subtype(): piece.get_payload(decode=True).decode()
        for piece in built.message().walk()
        if not piece.is_multipart()
    }
    return built.subject, bodies["plain"], bodies["html"]


def assert_says(kind: str, *sentences: str) -> None:
    subject, plain, html = rendered_parts(kind)
    assert "\n" not in subject
    for sentence in sentences:
        assert sentence in plain
        assert sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in html
    assert "Hidden" not in plain + html


def test_emails_about_a_swap() -> None:
    agent, case = make_agent(), make_swap("By mistake")
    services.start_review(case, agent)
    services.ask_question(case, agent, "Which device?", note="Hidden")
    swaps.approve(case, agent, text="Please pay €10.00 to us", note="Hidden")
    swaps.give_new_serial(case, agent, "PNEW-1111-2222", note="Hidden")
    about = (case.reference, "A-1001", AMP, "Maximum Security", "€10.00 to pay")
    page = f"http://testserver{case.path}"
    assert_says("swap_received", *about, page, "By mistake", "reply by")
    assert_says("swap_in_review", *about, page, "reviewing your product swap")
    assert_says("swap_question_asked", *about, page, "Which device?", "Use the link below to answer")
    assert_says("swap_approved", *about, page, "Please pay €10.00 to us", "Nothing is charged automatically.")
    order_page = f"http://testserver/orders/{case.order.public_id}/"
    assert_says("swap_swapped", *about, order_page, "PNEW-1111-2222", "Install the new product")


def test_email_about_a_declined_swap() -> None:
    agent = make_agent()
    services.decline(make_swap(), agent, "No such product", note="Hidden")
    assert_says("swap_declined", "No such product", "You keep what you bought")


def test_email_about_a_canceled_swap() -> None:
    services.cancel(make_swap())
    assert_says("swap_cancelled", "nothing is charged")


def test_emails_about_a_cashback_claim() -> None:
    agent, case = make_agent(), make_bank_claim()
    services.start_review(case, agent)
    services.ask_question(case, agent, "Which shop?", note="Hidden")
    cashback.approve(case, agent, note="Hidden")
    cashback.record_payout(case, agent, "PAYOUT-7", note="Hidden")
    about = (case.reference, "A-1001", AMP, case.license.serial, "€10.00", "your bank account")
    page = f"http://testserver{case.path}"
    assert_says("cashback_received", *about, page, "reply by")
    assert_says("cashback_in_review", *about, page, "reviewing your cashback claim")
    assert_says("cashback_question_asked", *about, page, "Which shop?")
    assert_says("cashback_approved", *about, page, "You’ll get €10.00 cashback.")
    assert_says("cashback_paid", *about, page, "PAYOUT-7", "We’ve deleted your bank details.")
    for kind in Message.objects.values_list("kind", flat=True):
        _subject, plain, html = rendered_parts(kind)
        assert "0532" not in plain + html


def test_emails_about_declined_and_canceled_claims() -> None:
    cashback.decline(make_bank_claim(), make_agent(), "Unreadable proof", note="Hidden")
    assert_says("cashback_declined", "Unreadable proof", "Disagree?")
    case = CashbackClaim.objects.get()
    again = make_claim(case.license)
    cashback.cancel(again)
    assert_says("cashback_cancelled", "There’s no cashback")


def test_emails_are_in_the_orders_language() -> None:
    license = make_purchased_license(order=make_order(placed_at=timezone.now(), language="de"))
    assert license.product
    make_promotion(license.product)
    make_claim(license)
    assert Message.objects.get(kind="cashback_received").language == "de"
    assert order_of(license).language == "de"
    assert 'lang="de"' in rendered_parts("cashback_received")[2]
