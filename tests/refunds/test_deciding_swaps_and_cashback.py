"""What staff do with swaps and cashback claims, and what is refused: each step with its history row and its mail."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases import steps
from cases.refusals import NotPossible, Refusal, WrongStatus
from licenses.models import License, LicensedLine
from notifications.models import Message
from orders.models import Order
from refunds import payout_details
from refunds.models import CashbackClaim, CashbackEvent, Swap, SwapOffer
from refunds.payout_details import PayoutDetails, Unreadable
from refunds.services import cashback, returns, swaps
from refunds.services.returns import Wanted
from refunds.services.swaps import Wish
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason
from tests.pages import inside, text
from tests.refunds.promoted import make_bought, make_claim, make_promotion, order_of, proof

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept")]

DETAILS = PayoutDetails("Bea Buyer", "DE89370400440532013000")


def make_swap(**order: Any) -> Swap:
    placed = make_order(**{"placed_at": timezone.now()} | order)
    product = make_product(name="Internet Security")
    offer = SwapOffer.objects.create(
        store=placed.store, product=product, name=product.name, currency="EUR", price=Decimal("89.95")
    )
    return swaps.request_swap(placed, Wish(make_line(placed).pk, offer))


def claimed(**how: Any) -> CashbackClaim:
    license = make_bought()
    assert license.product
    make_promotion(license.product)
    return make_claim(license, **how)


def steps_of(case: Swap | CashbackClaim) -> list[str]:
    return list(case.events.values_list("to_status", flat=True))


# --- Swaps ------------------------------------------------------------------------------------------------


def test_a_swap_from_the_request_to_the_new_serial_number() -> None:
    agent, case = make_agent(), make_swap()
    steps.take_into_review(case, agent)
    swaps.approve(case, agent, text="Gladly", note="nice person")
    swaps.finish(case, agent, " pnew 1111-2222 ", devices=5, expires_on=date(2027, 11, 1))
    case.refresh_from_db()
    license = case.new_license
    assert license is not None
    assert (license.serial, license.devices, license.expires_on) == ("pnew 1111-2222", 5, date(2027, 11, 1))
    assert license.product == case.offer.product  # type: ignore[union-attr]
    assert case.line.licensed_lines.get(license=license).origin == LicensedLine.Origin.STAFF
    assert (case.status, case.decided_by) == ("swapped", agent)
    assert steps_of(case) == ["received", "in_review", "approved", "swapped"]
    kinds = Message.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["swap_received", "swap_in_review", "swap_approved", "swap_swapped"]
    page = text(inside(case.order).get(f"/orders/{case.order.public_id}/"))
    assert "pnew 1111-2222" in page
    assert "nice person" not in text(inside(case.order).get(case.path))


def test_a_new_serial_number_that_is_another_orders_is_refused_and_nothing_is_done() -> None:
    agent, case = make_agent(), make_swap()
    foreign = make_license(make_line(make_order()), "XFOR-1111")
    swaps.approve(case, agent)
    for serial, why in [
        ("xfor 1111", "stands on another order"),
        ("", "Please enter the new serial number."),
        (" - ", "not a serial number"),
        ("x" * 101, "not a serial number"),
    ]:
        with pytest.raises(NotPossible, match=why):
            swaps.finish(case, agent, serial)
    case.refresh_from_db()
    assert (case.status, case.new_license) == ("approved", None)
    assert License.objects.get() == foreign
    assert not Message.objects.filter(kind="swap_swapped").exists()


def test_a_new_serial_number_is_given_only_to_an_approved_swap() -> None:
    agent, case = make_agent(), make_swap()
    with pytest.raises(WrongStatus):
        swaps.finish(case, agent, "PNEW-1111")
    swaps.approve(case, agent)
    swaps.finish(case, agent, "PNEW-1111")
    with pytest.raises(WrongStatus, match="swapped"):
        swaps.finish(case, agent, "PNEW-2222")
    assert License.objects.get().serial == "PNEW-1111"


def test_an_approved_swap_that_does_not_come_about_frees_the_item() -> None:
    agent, case = make_agent(), make_swap()
    with pytest.raises(WrongStatus):
        swaps.call_off(case, agent, "Not paid")
    swaps.approve(case, agent)
    with pytest.raises(NotPossible, match="A swap of this item is under way"):
        returns.request_return(case.order, [Wanted(case.line_id, 1)], make_reason())
    swaps.call_off(case, agent, "The difference was not paid")
    returns.request_return(case.order, [Wanted(case.line_id, 1)], make_reason())
    assert "The difference was not paid" in text(inside(case.order).get(case.path))


# --- Cashback ---------------------------------------------------------------------------------------------


def test_a_claim_from_the_request_to_the_payout() -> None:
    agent, case = make_agent(), claimed(details=DETAILS)
    steps.take_into_review(case, agent)
    cashback.approve(case, agent)
    assert cashback.look_at_payout_details(case, agent) == DETAILS
    look = CashbackEvent.objects.latest("pk")
    assert (look.by, look.from_status, look.to_status, look.text) == (agent, "approved", "approved", "")
    assert "bank details" in look.note
    cashback.pay(case, agent, " PAYOUT-7 ")
    case.refresh_from_db()
    assert (case.status, case.payout_reference, bytes(case.payout_details)) == ("paid", "PAYOUT-7", b"")
    assert cashback.look_at_payout_details(case, agent) is None
    kinds = Message.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["cashback_received", "cashback_in_review", "cashback_approved", "cashback_paid"]
    page = text(inside(case.order).get(case.path))
    assert "PAYOUT-7" in page
    assert "its details are deleted" in page
    assert "Looked at" not in page


def test_the_bank_details_stay_when_the_payout_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    agent, case = make_agent(), claimed(details=DETAILS)
    cashback.approve(case, agent)

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("cases.transitions.send", fail)
    with pytest.raises(RuntimeError):
        cashback.pay(case, agent, "PAYOUT-7")
    case.refresh_from_db()
    assert case.status == "approved"
    assert payout_details.decrypt(case.payout_details) == DETAILS


@pytest.mark.parametrize("reference", ["", "  ", "x" * 101, "a\nb", "4242 4242 4242 4242", "\x00"])
def test_a_payout_needs_a_reference(reference: str) -> None:
    agent, case = make_agent(), claimed()
    cashback.approve(case, agent)
    with pytest.raises(NotPossible):
        cashback.pay(case, agent, reference)
    case.refresh_from_db()
    assert case.status == "approved"


def test_what_is_not_approved_is_not_paid_and_nothing_is_paid_twice() -> None:
    agent, case = make_agent(), claimed()
    with pytest.raises(WrongStatus):
        cashback.pay(case, agent, "PAYOUT-7")
    cashback.approve(case, agent)
    cashback.pay(case, agent, "PAYOUT-7")
    with pytest.raises(WrongStatus, match="paid"):
        cashback.pay(case, agent, "PAYOUT-8")
    case.refresh_from_db()
    assert case.payout_reference == "PAYOUT-7"


def test_a_claim_for_what_went_back_in_the_meantime_is_not_approved() -> None:
    agent, case = make_agent(), claimed()
    returns.request_return(case.order, [Wanted(case.order.lines.get().pk, 1)], make_reason())
    with pytest.raises(NotPossible, match="given back"):
        cashback.approve(case, agent)
    cashback.decline(case, agent, "You returned it")
    assert steps_of(case) == ["received", "declined"]


def test_a_declined_claim_keeps_no_bank_details_and_may_be_claimed_again() -> None:
    agent, case = make_agent(), claimed(details=DETAILS)
    cashback.decline(case, agent, "Unreadable proof")
    case.refresh_from_db()
    assert bytes(case.payout_details) == b""
    assert make_claim(case.license).pk != case.pk


def test_the_database_itself_refuses_two_claims_and_kept_details() -> None:
    case = claimed(details=DETAILS)
    columns = {"license": case.license, "order": case.order, "promotion": case.promotion, "country": "DE"}
    with pytest.raises(IntegrityError, match="cashback_once_per_serial_number"), transaction.atomic():
        CashbackClaim.objects.create(**columns, currency="EUR", amount=1, status="received")
    with pytest.raises(IntegrityError, match="cashback_closed_keeps_no_details"), transaction.atomic():
        CashbackClaim.objects.filter(pk=case.pk).update(status="declined")
    with pytest.raises(IntegrityError, match="cashback_paid_has_reference"), transaction.atomic():
        CashbackClaim.objects.filter(pk=case.pk).update(status="paid", payout_details=b"")


def test_bank_details_outlive_a_change_of_the_secret_key(settings: Settings) -> None:
    case = claimed(details=DETAILS)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert cashback.look_at_payout_details(case, make_agent()) == DETAILS
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Unreadable, match="ask the buyer again"):
        cashback.look_at_payout_details(case, make_agent())


def test_an_upload_that_goes_leaves_its_claim() -> None:
    case = claimed()
    assert case.proof
    case.proof.delete()
    case.refresh_from_db()
    assert case.proof is None
    assert inside(case.order).get(case.path).status_code == 200


# --- Both -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_swap, claimed], ids=["swap", "cashback"])
def test_words_that_are_missing_are_asked_for(make: Callable[[], Any]) -> None:
    agent, case = make_agent(), make()
    for verb in (steps.ask, steps.decline, steps.add_note):
        with pytest.raises(Refusal, match="Please write"):
            verb(case, agent, "  ")
    assert steps_of(case) == ["received"]


@pytest.mark.parametrize("make", [make_swap, claimed], ids=["swap", "cashback"])
def test_a_note_is_for_staff_only_and_mails_nobody(make: Callable[[], Any]) -> None:
    agent, case = make_agent(), make()
    steps.add_note(case, agent, "Called on the phone")
    assert case.events.latest("pk").note == "Called on the phone"
    assert Message.objects.count() == 1
    assert "Called on the phone" not in text(inside(case.order).get(case.path))


@pytest.mark.parametrize("make", [make_swap, claimed], ids=["swap", "cashback"])
def test_an_answer_without_a_question_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(NotPossible, match="nothing to answer"):
        steps.answer(make(), "Hello")


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call brought, or its exception, all begun at the same moment."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=60)
            return call()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("make", "services"), [(make_swap, swaps), (claimed, cashback)], ids=["swap", "cashback"])
def test_two_agents_decide_at_once(make: Callable[[], Any], services: Any) -> None:
    agent, case = make_agent(), make()
    ended = at_once([lambda: services.approve(case, agent), lambda: steps.decline(case, agent, "No")])
    assert sorted(type(each).__name__ for each in ended) == ["NoneType", "WrongStatus"]
    assert len(steps_of(case)) == Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_claims_at_once_for_a_serial_number_on_two_orders_are_one() -> None:
    license = make_bought()
    assert license.product
    make_promotion(license.product)
    other = make_order(placed_at=timezone.now())
    make_line(other).licensed_lines.create(order=other, license=license)
    first = order_of_first(license, other)

    def claim(order: Order) -> Callable[[], Any]:
        return lambda: cashback.request_cashback([order], license.serial, "DE", proof())

    ended = at_once([claim(order) for order in (first, other) * 10])
    assert [type(each).__name__ for each in ended].count("CashbackClaim") == CashbackClaim.objects.count() == 1
    assert {str(each) for each in ended if isinstance(each, Refusal)} == {
        "Cashback was claimed for this serial number already."
    }
    assert Message.objects.count() == CashbackEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_submissions_of_one_swap_at_once_are_one() -> None:
    order = make_order(placed_at=timezone.now())
    line = make_line(order)
    case_id = uuid4()
    ended = at_once([lambda: swaps.request_swap(order, Wish(line.pk, None, "The other one"), case_id)] * 20)
    assert len({each.pk for each in ended}) == Swap.objects.count() == Message.objects.count() == 1


def order_of_first(license: License, other: Order) -> Order:
    return license.licensed_lines.exclude(order=other).get().order


def test_a_claim_is_for_an_order_that_is_open() -> None:
    license = make_bought()
    with pytest.raises(cashback.NotYours):
        cashback.request_cashback([make_order()], license.serial, "DE", proof())
    with pytest.raises(cashback.NotYours):
        cashback.request_cashback([order_of(license)], "", "DE", proof())
