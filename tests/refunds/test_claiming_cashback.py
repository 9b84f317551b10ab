"""The cashback page, the claim form and the status page of a claim."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import services
from files.models import Upload
from licenses.models import License
from notifications.models import Message
from orders.models import Order
from refunds import payout_details
from refunds.models import CashbackClaim, CashbackPromotion
from refunds.services import cashback
from refunds.views.cashback import CLAIM_RATE
from tests.factories import make_agent, make_license, make_line, make_order, make_product
from tests.files import factories
from tests.pages import inside, marks, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license, order_of

pytestmark = pytest.mark.django_db

IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.fixture
def license() -> License:
    return make_purchased_license()


@pytest.fixture
def promotion(license: License) -> CashbackPromotion:
    assert license.product
    return make_promotion(license.product)


@pytest.fixture
def browser(license: License) -> Client:
    return inside(order_of(license))


def claim_form(license: License, **fields: Any) -> dict[str, Any]:
    proof = factories.upload(factories.png(), "receipt.png")
    return {"serial": license.serial, "country": "DE", "proof": proof, "submission_id": "one"} | fields


def test_from_the_page_to_the_reference(
    license: License, promotion: CashbackPromotion, browser: Client, upload_folder: Path
) -> None:
    page = browser.get("/cashback/")
    assert "Promotions in Germany" in text(page)
    assert "Autumn cashback: €10.00" in text(page)
    assert marks(page, "data-cashback") == ["applies"]
    sent = browser.post("/cashback/", claim_form(license))
    claim = CashbackClaim.objects.get()
    assert (sent.status_code, sent["Location"]) == (302, f"/cashback/{claim.reference}/")
    status = browser.get(sent["Location"])
    assert marks(status, "data-reference") == [claim.reference]
    assert marks(status, "data-status") == ["received"]
    assert marks(status, "data-amount") == ["10.00"]
    assert claim.proof is not None
    assert claim.proof.name == "receipt.png"
    assert len(factories.files_in(upload_folder)) == 1
    assert Message.objects.get(kind="cashback_received").recipient == "buyer@example.com"
    assert marks(browser.get("/cashback/"), "data-cashback") == ["claimed"]


def test_everybody_sees_the_promotions_of_each_country(promotion: CashbackPromotion) -> None:
    make_promotion(make_product(name="Antivirus"), name="Quiet one", is_active=False)
    make_promotion(make_product(name="Antivirus"), name="Swiss one", countries=["CH"])
    page = text(Client().get("/cashback/?country=DE"))
    assert "Autumn cashback: €10.00" in page
    assert "Maximum Security" in page
    assert "Open your order to claim" in page
    assert "Quiet one" not in page
    assert "Swiss one" not in page
    assert "Swiss one" in text(Client().get("/cashback/?country=ch"))
    assert "There are no promotions in this country right now." in text(Client().get("/cashback/?country=FR"))


@pytest.mark.parametrize(
    ("language", "country"), [("de", "Deutschland"), ("de-AT,de", "Österreich"), ("en", "United States"), ("x", "")]
)
def test_the_country_is_guessed_from_the_language(language: str, country: str) -> None:
    page = Client().get("/cashback/", headers={"accept-language": language})
    assert page.status_code == 200
    assert country in text(page)


def test_the_country_is_guessed_from_the_open_order() -> None:
    order = make_order(placed_at=timezone.now(), billing_country="NO")
    assert "Promotions in Norway" in text(inside(order).get("/cashback/"))


@pytest.mark.parametrize("typed", ["", "1", "DEU", "D\x00", "<script>", "d e", "٣٤", "x" * 5000])
def test_an_invalid_country_is_ignored(typed: str) -> None:
    page = Client().get("/cashback/", {"country": typed})
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().replace("<script src", "")


def test_an_unknown_and_a_foreign_serial_get_the_same_response(license: License, promotion: CashbackPromotion) -> None:
    foreign = make_purchased_license(license.product)
    responses = []
    for serial in (foreign.serial, "XZZZ-0000-0000-0000-0000"):
        response = inside(order_of(license)).post("/cashback/", claim_form(license, serial=serial))
        assert response.status_code == 422
        responses.append(text(response))
        assert "None of your open orders has this serial number. Open its order first." in responses[-1]
    assert responses[0] == responses[1]
    assert not CashbackClaim.objects.exists()


def test_strangers_get_one_response_and_no_file_is_processed(
    license: License, promotion: CashbackPromotion, upload_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.forms.clean_upload", lambda upload: pytest.fail("a stranger's file was looked at"))
    responses = {
        text(Client().post("/cashback/", claim_form(license, serial=serial)))
        for serial in (license.serial, "XZZZ-0000-0000-0000-0000", "")
    }
    (response,) = responses
    assert "Open its order first." in response
    assert "Open your order" in response
    assert not CashbackClaim.objects.exists()
    assert factories.files_in(upload_folder) == []


def test_opening_an_order_leads_back_to_the_cashback_page() -> None:
    make_order()
    found = Client().post(
        "/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242", "next": "/cashback/"}
    )
    assert found["Location"] == "/cashback/"


def test_an_order_awaiting_its_code_shows_no_serial_number(license: License, promotion: CashbackPromotion) -> None:
    store = order_of(license).store
    store.confirm_card_lookup = "always"
    store.save()
    browser = Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    page = browser.get("/cashback/")
    assert license.serial not in text(page)
    assert "Enter the code we emailed you" in text(page)
    assert "Open its order first." in text(browser.post("/cashback/", claim_form(license)))
    assert not CashbackClaim.objects.exists()


def test_the_same_submission_twice_makes_one_claim_and_one_email(
    license: License, promotion: CashbackPromotion, browser: Client, upload_folder: Path
) -> None:
    responses = [browser.post("/cashback/", claim_form(license)) for _click in range(2)]
    assert responses[0]["Location"] == responses[1]["Location"]
    assert CashbackClaim.objects.count() == Upload.objects.count() == len(factories.files_in(upload_folder)) == 1
    assert Message.objects.filter(kind="cashback_received").count() == 1


def test_a_second_claim_for_the_serial_number_is_refused(
    license: License, promotion: CashbackPromotion, browser: Client, upload_folder: Path
) -> None:
    browser.post("/cashback/", claim_form(license))
    again = browser.post("/cashback/", claim_form(license, submission_id="two"))
    assert again.status_code == 422
    assert "Cashback was already claimed for this serial number." in text(again)
    assert len(factories.files_in(upload_folder)) == CashbackClaim.objects.count() == 1


def test_after_a_canceled_claim_another_is_possible(
    license: License, promotion: CashbackPromotion, browser: Client
) -> None:
    first = browser.post("/cashback/", claim_form(license))["Location"]
    assert "cancelled" in marks(browser.post(f"{first}cancel/", follow=True), "data-status")
    second = browser.post("/cashback/", claim_form(license, submission_id="two"))
    assert second.status_code == 302
    assert second["Location"] != first


def test_a_serial_number_may_be_typed_with_spaces_and_in_lower_case(
    license: License, promotion: CashbackPromotion, browser: Client
) -> None:
    typed = f" {license.serial.lower().replace('-', ' – ')} "
    assert browser.post("/cashback/", claim_form(license, serial=typed)).status_code == 302


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"serial": ""}, "Enter your serial number."),
        ({"serial": "\x00"}, "a character that can’t be typed"),
        ({"serial": "x" * 10_000}, "This is too long."),
        ({"serial": "4242 4242 4242 4242"}, "full card number"),
        ({"country": ""}, "Select the country you bought in."),
        ({"country": "Germany"}, "Select the country you bought in."),
        ({"proof": ""}, "Choose a file:"),
        ({"proof": factories.upload(b"MZ", "setup.exe")}, "Send a photo, a screenshot or a PDF."),
        ({"payout_method": "cash"}, "Select one of the options shown."),
        ({"payout_method": "bank"}, "Enter the name of the account holder."),
        ({"payout_method": "bank", "payout_holder": "Bea"}, "Enter your IBAN, or the name of your bank"),
        (
            {"payout_method": "bank", "payout_holder": "Bea", "payout_account": "DE89 3704 0044 0532 0130 02"},
            "This IBAN isn’t valid.",
        ),
        (
            {"payout_method": "bank", "payout_holder": "Bea", "payout_account": "4242 4242 4242 4242"},
            "full card number",
        ),
        ({"payout_method": "bank", "payout_holder": "Bea", "payout_account": "DE124242424242424242"}, "full card"),
        ({"payout_method": "bank", "payout_holder": "4242424242424242", "payout_account": IBAN}, "full card number"),
        ({"submission_id": "x" * 5000}, "at most 64 characters"),
    ],
)
def test_invalid_input_is_reported_and_nothing_is_stored(
    license: License,
    promotion: CashbackPromotion,
    browser: Client,
    upload_folder: Path,
    fields: dict[str, Any],
    sentence: str,
) -> None:
    response = browser.post("/cashback/", claim_form(license) | fields)
    assert response.status_code == 422
    assert sentence in text(response)
    assert "4242424242424242" not in response.content.decode().replace(" ", "")
    assert not CashbackClaim.objects.exists()
    assert factories.files_in(upload_folder) == []


def test_bank_details_are_encrypted_and_deleted_when_the_claim_is_canceled(
    license: License, promotion: CashbackPromotion, browser: Client
) -> None:
    fields = {"payout_method": "bank", "payout_holder": "Bea Buyer", "payout_account": IBAN}
    sent = browser.post("/cashback/", claim_form(license, **fields))
    claim = CashbackClaim.objects.get()
    assert claim.payout_method == "bank"
    assert b"Bea" not in bytes(claim.payout_details)
    assert payout_details.decrypt(claim.payout_details).holder == "Bea Buyer"
    page = browser.get(sent["Location"])
    assert "your bank account" in text(page)
    assert "3704" not in text(page)
    browser.post(f"{sent['Location']}cancel/")
    claim.refresh_from_db()
    assert bytes(claim.payout_details) == b""


def test_bank_details_are_ignored_unless_bank_payout_is_chosen(
    license: License, promotion: CashbackPromotion, browser: Client
) -> None:
    response = browser.post("/cashback/", claim_form(license, payout_holder="Bea", payout_account=IBAN))
    assert "data-result" not in response.content.decode(), text(response)
    claim = CashbackClaim.objects.get()
    assert (claim.payout_method, bytes(claim.payout_details)) == ("original", b"")


def test_strangers_can_neither_see_nor_change_a_claim(license: License, promotion: CashbackPromotion) -> None:
    claim = make_claim(license)
    for stranger in (Client(), inside(make_order(placed_at=timezone.now()))):
        for reference in (claim.reference, "C-00000000"):
            response = stranger.get(f"/cashback/{reference}/")
            assert response.status_code == 302
            assert response["Location"] == f"/orders/find/?next=%2Fcashback%2F{reference}%2F"
            for action in ("cancel", "answer"):
                moved = stranger.post(f"/cashback/{reference}/{action}/", {"answer": "me"})
                assert moved["Location"] == f"/orders/find/?next=%2Fcashback%2F{reference}%2F"
    claim.refresh_from_db()
    assert claim.status == "received"


def test_the_buyer_answers_a_question(license: License, promotion: CashbackPromotion, browser: Client) -> None:
    claim = make_claim(license)
    services.ask_question(claim, make_agent(), "Which shop is on the receipt?", note="unreadable")
    page = browser.get(claim.path)
    assert "Which shop is on the receipt?" in text(page)
    assert "unreadable" not in text(page)
    for _click in range(2):
        browser.post(f"{claim.path}answer/", {"answer": "Yours"})
    assert claim.events.filter(text="Yours").count() == 1
    assert marks(browser.get(claim.path), "data-status") == ["in_review"]


def test_claims_are_rate_limited_per_client(license: License, promotion: CashbackPromotion, browser: Client) -> None:
    for _try in range(CLAIM_RATE.short):
        browser.post("/cashback/", claim_form(license, serial="XZZZ", proof=""))
    refused = browser.post("/cashback/", claim_form(license))
    assert refused.status_code == 429
    assert "There were too many claims from your network." in text(refused)
    assert not CashbackClaim.objects.exists()


def test_the_same_form_after_canceling_makes_a_new_claim() -> None:
    license = make_purchased_license()
    make_promotion(license.product)
    first = make_claim(license, submission="one")
    assert make_claim(license, submission="one") == first
    cashback.cancel(first)
    second = make_claim(license, submission="one")
    assert second != first
    assert make_claim(license, submission="one") == second


def test_the_number_of_queries_does_not_grow_with_orders(
    license: License, promotion: CashbackPromotion, browser: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(16):
        browser.get("/cashback/")
    for _number in range(5):
        order = make_order(placed_at=timezone.now(), store=order_of(license).store)
        make_license(make_line(order), product=license.product, activated_at=timezone.now())
        make_promotion(make_product())
        inside(order, browser)
    with django_assert_num_queries(16):
        page = browser.get("/cashback/")
    assert marks(page, "data-cashback") == ["applies"] * 6


def test_a_license_on_two_orders_appears_once(license: License, promotion: CashbackPromotion) -> None:
    old: Order = make_order(placed_at=timezone.now() - timedelta(days=300))
    make_line(old).licensed_lines.create(order=old, license=license)
    browser = inside(old, inside(order_of_new(license, old)))
    assert marks(browser.get("/cashback/"), "data-cashback") == ["applies"]


def order_of_new(license: License, old: Order) -> Order:
    return license.licensed_lines.exclude(order=old).get().order
