"""Actions of staff on swaps and cashback claims, with their history and emails."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases import services
from cases.refusals import NotPossible, Refusal, WrongStatus
from licenses.models import License, LicensedLine
from notifications.models import Message
from orders.models import Order
from orders.services.ending_access import end_all_access
from refunds import payout_details
from refunds.models import CashbackClaim, CashbackEvent, Swap, SwapOffer
from refunds.payout_details import PayoutDetails, UndecryptablePayoutDetails
from refunds.services import cashback, returns, swaps
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from tests.concurrency import run_concurrently
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason
from tests.pages import inside, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license, order_of, proof

pytestmark = pytest.mark.django_db

DETAILS = PayoutDetails("Bea Buyer", "DE89370400440532013000")


def make_swap(**order: Any) -> Swap:
    placed = make_order(**{"placed_at": timezone.now()} | order)
    product = make_product(name="Internet Security")
    offer = SwapOffer.objects.create(
        store=placed.store, product=product, name=product.name, currency="EUR", price=Decimal("89.95")
    )
    return swaps.request_swap(placed, SwapRequest(make_line(placed).pk, offer))


def make_cashback_claim(**how: Any) -> CashbackClaim:
    license = make_purchased_license()
    assert license.product
    make_promotion(license.product)
    return make_claim(license, **how)


def statuses_of(case: Swap | CashbackClaim) -> list[str]:
    return list(case.events.values_list("to_status", flat=True))


# --- Swaps ------------------------------------------------------------------------------------------------


def test_a_swap_from_the_request_to_the_new_serial_number() -> None:
    agent, case = make_agent(), make_swap()
    services.start_review(case, agent)
    swaps.approve(case, agent, text="Gladly", note="nice person")
    swaps.give_new_serial(case, agent, " pnew 1111-2222 ", devices=5, expires_on=date(2027, 11, 1))
    case.refresh_from_db()
    license = case.new_license
    assert license is not None
    assert (license.serial, license.devices, license.expires_on) == ("pnew 1111-2222", 5, date(2027, 11, 1))
    assert license.product == case.offer.product
    assert case.line.licensed_lines.get(license=license).origin == LicensedLine.Origin.STAFF
    assert (case.status, case.decided_by) == ("swapped", agent)
    assert statuses_of(case) == ["received", "in_review", "approved", "swapped"]
    kinds = Message.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["swap_received", "swap_in_review", "swap_approved", "swap_swapped"]
    page = text(inside(case.order).get(f"/orders/{case.order.public_id}/"))
    assert "pnew 1111-2222" in page
    assert "nice person" not in text(inside(case.order).get(case.path))


def test_an_unusable_new_serial_number_is_refused() -> None:
    agent, case = make_agent(), make_swap()
    foreign = make_license(make_line(make_order()), "XFOR-1111")
    swaps.approve(case, agent)
    for serial, why in [
        ("xfor 1111", "This serial number already belongs to another order."),
        ("", "Enter the new serial number."),
        (" - ", "Enter a serial number, for example XABC-1234-5678-9012."),
        ("x" * 101, "Enter a serial number, for example XABC-1234-5678-9012."),
    ]:
        with pytest.raises(NotPossible, match=why):
            swaps.give_new_serial(case, agent, serial)
    case.refresh_from_db()
    assert (case.status, case.new_license) == ("approved", None)
    assert License.objects.get() == foreign
    assert not Message.objects.filter(kind="swap_swapped").exists()


def test_a_new_serial_number_is_given_only_to_an_approved_swap() -> None:
    agent, case = make_agent(), make_swap()
    with pytest.raises(WrongStatus):
        swaps.give_new_serial(case, agent, "PNEW-1111")
    swaps.approve(case, agent)
    swaps.give_new_serial(case, agent, "PNEW-1111")
    with pytest.raises(WrongStatus, match="swapped"):
        swaps.give_new_serial(case, agent, "PNEW-2222")
    assert License.objects.get().serial == "PNEW-1111"


def test_canceling_an_approved_swap_frees_the_item() -> None:
    agent, case = make_agent(), make_swap()
    with pytest.raises(WrongStatus):
        swaps.cancel_approved(case, agent, "Not paid")
    swaps.approve(case, agent)
    with pytest.raises(NotPossible, match="You’ve requested a swap for this item"):
        returns.request_return(case.order, [RequestedLine(case.line_id, 1)], make_reason())
    swaps.cancel_approved(case, agent, "The difference was not paid")
    returns.request_return(case.order, [RequestedLine(case.line_id, 1)], make_reason())
    assert "The difference was not paid" in text(inside(case.order).get(case.path))


# --- Cashback ---------------------------------------------------------------------------------------------


def test_a_claim_from_the_request_to_the_payout() -> None:
    agent, case = make_agent(), make_cashback_claim(details=DETAILS)
    services.start_review(case, agent)
    cashback.approve(case, agent)
    assert cashback.reveal_payout_details(case, agent) == DETAILS
    look = CashbackEvent.objects.latest("pk")
    assert (look.by, look.from_status, look.to_status, look.text) == (agent, "approved", "approved", "")
    assert "bank details" in look.note
    cashback.record_payout(case, agent, " PAYOUT-7 ")
    case.refresh_from_db()
    assert (case.status, case.payout_reference, bytes(case.payout_details)) == ("paid", "PAYOUT-7", b"")
    assert cashback.reveal_payout_details(case, agent) is None
    kinds = Message.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["cashback_received", "cashback_in_review", "cashback_approved", "cashback_paid"]
    page = text(inside(case.order).get(case.path))
    assert "PAYOUT-7" in page
    assert "we’ve deleted its details" in page
    assert "Viewed" not in page


def test_the_bank_details_stay_when_the_payout_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    agent, case = make_agent(), make_cashback_claim(details=DETAILS)
    cashback.approve(case, agent)

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("cases.transitions.send", fail)
    with pytest.raises(RuntimeError):
        cashback.record_payout(case, agent, "PAYOUT-7")
    case.refresh_from_db()
    assert case.status == "approved"
    assert payout_details.decrypt(case.payout_details) == DETAILS


@pytest.mark.parametrize("reference", ["", "  ", "x" * 101, "a\nb", "4242 4242 4242 4242", "\x00"])
def test_a_payout_needs_a_reference(reference: str) -> None:
    agent, case = make_agent(), make_cashback_claim()
    cashback.approve(case, agent)
    with pytest.raises(NotPossible):
        cashback.record_payout(case, agent, reference)
    case.refresh_from_db()
    assert case.status == "approved"


def test_only_approved_claims_are_paid_and_only_once() -> None:
    agent, case = make_agent(), make_cashback_claim()
    with pytest.raises(WrongStatus):
        cashback.record_payout(case, agent, "PAYOUT-7")
    cashback.approve(case, agent)
    cashback.record_payout(case, agent, "PAYOUT-7")
    with pytest.raises(WrongStatus, match="paid"):
        cashback.record_payout(case, agent, "PAYOUT-8")
    case.refresh_from_db()
    assert case.payout_reference == "PAYOUT-7"


def test_a_claim_for_an_item_in_a_return_is_not_approved() -> None:
    agent, case = make_agent(), make_cashback_claim()
    returns.request_return(case.order, [RequestedLine(case.order.lines.get().pk, 1)], make_reason())
    with pytest.raises(NotPossible, match="item was returned"):
        cashback.approve(case, agent)
    cashback.decline(case, agent, "You returned it")
    assert statuses_of(case) == ["received", "declined"]


def test_declining_deletes_the_bank_details_and_allows_another_claim() -> None:
    agent, case = make_agent(), make_cashback_claim(details=DETAILS)
    cashback.decline(case, agent, "Unreadable proof")
    case.refresh_from_db()
    assert bytes(case.payout_details) == b""
    assert make_claim(case.license).pk != case.pk


def test_database_constraints_refuse_a_second_claim_and_leftover_bank_details() -> None:
    case = make_cashback_claim(details=DETAILS)
    columns = {"license": case.license, "order": case.order, "promotion": case.promotion, "country": "DE"}
    with pytest.raises(IntegrityError, match="cashback_once_per_serial_number"), transaction.atomic():
        CashbackClaim.objects.create(**columns, currency="EUR", amount=1, status="received")
    with pytest.raises(IntegrityError, match="cashback_closed_keeps_no_details"), transaction.atomic():
        CashbackClaim.objects.filter(pk=case.pk).update(status="declined")
    with pytest.raises(IntegrityError, match="cashback_paid_has_reference"), transaction.atomic():
        CashbackClaim.objects.filter(pk=case.pk).update(status="paid", payout_details=b"")


def test_bank_details_stay_readable_with_a_fallback_of_the_secret_key(settings: Settings) -> None:
    case = make_cashback_claim(details=DETAILS)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert cashback.reveal_payout_details(case, make_agent()) == DETAILS
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(UndecryptablePayoutDetails, match="Ask the buyer for them again"):
        cashback.reveal_payout_details(case, make_agent())


def test_a_claim_survives_the_deletion_of_its_proof() -> None:
    case = make_cashback_claim()
    assert case.proof
    case.proof.delete()
    case.refresh_from_db()
    assert case.proof is None
    assert inside(case.order).get(case.path).status_code == 200


# --- Both -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_swap, make_cashback_claim], ids=["swap", "cashback"])
def test_questions_reasons_and_notes_need_text(make: Callable[[], Any]) -> None:
    agent, case = make_agent(), make()
    for action in (services.ask_question, services.decline, services.add_note):
        with pytest.raises(Refusal, match=r"^Enter a "):
            action(case, agent, "  ")
    assert statuses_of(case) == ["received"]


@pytest.mark.parametrize("make", [make_swap, make_cashback_claim], ids=["swap", "cashback"])
def test_a_note_is_internal_and_sends_no_email(make: Callable[[], Any]) -> None:
    agent, case = make_agent(), make()
    services.add_note(case, agent, "Called on the phone")
    assert case.events.latest("pk").note == "Called on the phone"
    assert Message.objects.count() == 1
    assert "Called on the phone" not in text(inside(case.order).get(case.path))


@pytest.mark.parametrize("make", [make_swap, make_cashback_claim], ids=["swap", "cashback"])
def test_an_answer_without_a_question_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(NotPossible, match="answered already"):
        services.answer_question(make(), "Hello")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("make", "module"), [(make_swap, swaps), (make_cashback_claim, cashback)], ids=["swap", "cashback"]
)
def test_of_two_concurrent_decisions_one_is_refused(make: Callable[[], Any], module: Any) -> None:
    agent, case = make_agent(), make()
    ended = run_concurrently([lambda: module.approve(case, agent), lambda: services.decline(case, agent, "No")])
    assert [isinstance(each, WrongStatus) for each in ended].count(True) == 1
    assert len(statuses_of(case)) == Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_claims_for_one_serial_number_make_one_claim() -> None:
    license = make_purchased_license()
    assert license.product
    make_promotion(license.product)
    other = make_order(placed_at=timezone.now())
    make_line(other).licensed_lines.create(order=other, license=license)
    first = order_of_first(license, other)

    def claim(order: Order) -> Callable[[], Any]:
        return lambda: cashback.request_cashback([order], license.serial, "DE", proof())

    ended = run_concurrently([claim(order) for order in (first, other) * 10])
    assert [type(each).__name__ for each in ended].count("CashbackClaim") == CashbackClaim.objects.count() == 1
    assert {str(each) for each in ended if isinstance(each, Refusal)} == {
        "Cashback was already claimed for this serial number."
    }
    assert Message.objects.count() == CashbackEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_submissions_make_one_swap() -> None:
    order = make_order(placed_at=timezone.now())
    line = make_line(order)
    case_id = uuid4()
    ended = run_concurrently(
        [lambda: swaps.request_swap(order, SwapRequest(line.pk, None, "The other one"), case_id)] * 20
    )
    assert len({each.pk for each in ended}) == Swap.objects.count() == Message.objects.count() == 1


def order_of_first(license: License, other: Order) -> Order:
    return license.licensed_lines.exclude(order=other).get().order


def test_a_claim_needs_a_serial_number_of_an_accessible_order() -> None:
    license = make_purchased_license()
    with pytest.raises(cashback.SerialNotInOpenOrders):
        cashback.request_cashback([make_order()], license.serial, "DE", proof())
    with pytest.raises(cashback.SerialNotInOpenOrders):
        cashback.request_cashback([order_of(license)], "", "DE", proof())


# --- An account that may be a stranger's ------------------------------------------------------------------


@pytest.mark.parametrize("is_approved", [False, True])
def test_an_account_named_before_all_access_ended_is_neither_shown_nor_paid(is_approved: bool) -> None:
    agent, case = make_agent(), make_cashback_claim(details=DETAILS)
    page = f"/admin/refunds/cashbackclaim/{case.pk}/change/"
    browser = Client()
    browser.force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    sentence = "ask the buyer to claim again"
    assert sentence not in text(browser.get(page))
    if is_approved:
        cashback.approve(case, agent)
    end_all_access(case.order)
    assert sentence in text(browser.get(page))
    with pytest.raises(cashback.DoubtfulAccount, match=sentence):
        cashback.record_payout(case, agent, "T-1") if is_approved else cashback.approve(case, agent)
    with pytest.raises(cashback.DoubtfulAccount, match=sentence):
        cashback.reveal_payout_details(case, agent)
    (cashback.take_back_approval if is_approved else cashback.decline)(case, agent, "Please claim again.")
    again = make_claim(case.license, details=DETAILS)
    cashback.approve(again, agent)
    assert cashback.reveal_payout_details(again, agent) == DETAILS
    cashback.record_payout(again, agent, "T-2")


def test_a_claim_that_the_end_of_all_access_overtakes_is_refused() -> None:
    license = make_purchased_license()
    assert license.product
    make_promotion(license.product)
    proven = order_of(license)
    end_all_access(proven)
    with pytest.raises(cashback.SerialNotInOpenOrders):
        cashback.request_cashback([proven], license.serial, "DE", proof(), DETAILS)


def test_a_claim_paid_the_way_the_order_was_paid_is_not_affected() -> None:
    agent, case = make_agent(), make_cashback_claim()
    end_all_access(case.order)
    cashback.approve(case, agent)
    cashback.record_payout(case, agent, "T-1")
