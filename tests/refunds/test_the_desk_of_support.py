"""The admin: queues, one page per case, decisions by those who may, and refunds made by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from cases import steps
from licenses.models import License
from orders.models import Order
from refunds.models import CashbackClaim, RefundTransaction, Return, ReturnEvent, StoreGateway, Swap, Withdrawal
from refunds.payout_details import PayoutDetails
from refunds.services import returns, swaps, withdrawals
from refunds.services.returns import Wanted
from refunds.services.swaps import Wish
from refunds.services.withdrawals import Statement
from tests.factories import make_agent, make_license, make_line, make_order, make_reason
from tests.pages import inside, marks, text
from tests.refunds.promoted import make_bought, make_claim, make_promotion

pytestmark = pytest.mark.django_db

QUEUE = "/admin/refunds/return/"
IBAN = "DE89370400440532013000"  # the textbooks' own


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", placed_at=timezone.now())
    make_license(make_line(order), "XAAB-0001")
    return order


@pytest.fixture
def wish(order: Order) -> Return:
    return returns.request_return(order, [Wanted(order.lines.get().pk, 1)], make_reason(), "does not fit")


@pytest.fixture
def desk() -> Client:
    return signed_in(make_agent(username="ada"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_of(case: Any) -> str:
    return f"/admin/refunds/{case._meta.model_name}/{case.pk}/change/"


def decide(desk: Client, case: Any, verb: str, **said: str) -> str:
    """Send one decision; what the page then says."""
    typed = {f"{verb}-{name}": value for name, value in said.items()}
    url = page_of(case).replace("change/", "decide/")
    answer = desk.post(url, {"action": verb} | typed, follow=True)
    assert answer.status_code == 200
    case.refresh_from_db()
    return text(answer)


def test_one_page_shows_the_whole_case(desk: Client, wish: Return) -> None:
    earlier = make_order(number="A-0999", placed_at=timezone.now())
    make_line(earlier)
    other = returns.request_return(earlier, [Wanted(earlier.lines.get().pk, 1)], make_reason())
    steps.add_note(wish, User.objects.get(username="ada"), "called us")
    answer = desk.get(page_of(wish))
    said = text(answer)
    for fact in ("A-1001", "XAAB-0001", "not activated", "€79.95", "does not fit", "called us", "ada", "30 days"):
        assert fact in said, fact
    assert "return_received" in said
    assert other.reference in said
    assert marks(answer, "data-action") == ["approve", "review", "ask", "decline", "note"]


def test_the_queue_shows_what_is_open_oldest_due_first(desk: Client, wish: Return) -> None:
    later = make_order(number="B-1", placed_at=timezone.now())
    make_line(later)
    second = returns.request_return(later, [Wanted(later.lines.get().pk, 1)], make_reason())
    Return.objects.filter(pk=second.pk).update(due_at=timezone.now() - timedelta(days=1))
    said = text(desk.get(QUEUE))
    assert said.index(second.reference) < said.index(wish.reference)
    assert second.reference in text(desk.get(f"{QUEUE}?todo=overdue"))
    assert wish.reference not in text(desk.get(f"{QUEUE}?todo=overdue"))
    steps.cancel(wish)
    assert wish.reference not in text(desk.get(QUEUE))
    assert wish.reference in text(desk.get(f"{QUEUE}?todo=all"))


@pytest.mark.parametrize("word", ["reference", "a-1001", "BUYER@example.com", "xaab 0001"])
def test_a_case_is_found_by_what_staff_know(desk: Client, wish: Return, word: str) -> None:
    word = wish.reference if word == "reference" else word
    assert wish.reference in text(desk.get(QUEUE, {"q": word}))
    assert wish.reference not in text(desk.get(QUEUE, {"q": "nothing-like-it"}))


def test_the_queues_queries_do_not_grow_with_its_rows(
    desk: Client, wish: Return, django_assert_max_num_queries: Any
) -> None:
    for number in range(15):
        order = make_order(number=f"Q-{number}", placed_at=timezone.now())
        make_line(order)
        returns.request_return(order, [Wanted(order.lines.get().pk, 1)], wish.reason)
    with django_assert_max_num_queries(16):
        assert desk.get(QUEUE).status_code == 200


def test_decisions_are_taken_on_the_page(desk: Client, wish: Return) -> None:
    decide(desk, wish, "review")
    assert wish.status == Return.Status.IN_REVIEW
    decide(desk, wish, "ask", text="Which device?", note="unclear")
    assert wish.status == Return.Status.QUESTION_ASKED
    decide(desk, wish, "approve", amount="10.00", text="A part.")
    assert wish.status == Return.Status.APPROVED
    assert str(wish.amount_approved) == "10.000"
    assert [event.by.username for event in wish.events.exclude(by=None)] == ["ada"] * 3
    assert LogEntry.objects.filter(object_id=str(wish.pk)).count() == 3


def test_a_decline_needs_its_reason_and_keeps_the_note_apart(desk: Client, wish: Return) -> None:
    assert "nothing was done" in decide(desk, wish, "decline", text="  ")
    assert wish.status == Return.Status.RECEIVED
    decide(desk, wish, "decline", text="It was used for a year.", note="fraud?")
    assert wish.status == Return.Status.DECLINED
    buyers = text(inside(wish.order).get(f"/returns/{wish.reference}/"))
    assert "It was used for a year." in buyers
    assert "fraud?" not in buyers


@pytest.mark.parametrize("amount", ["-1", "0", "80", "0.001", "NaN", "1e99", "ten"])
def test_an_impossible_amount_is_refused_with_a_sentence(desk: Client, wish: Return, amount: str) -> None:
    decide(desk, wish, "approve", amount=amount)
    assert wish.status == Return.Status.RECEIVED
    assert not RefundTransaction.objects.exists()


def test_who_comes_second_is_told_and_changes_nothing(desk: Client, wish: Return) -> None:
    decide(desk, wish, "approve")
    said = decide(desk, wish, "decline", text="No.")
    assert "not possible any more" in said
    assert wish.status == Return.Status.APPROVED
    assert RefundTransaction.objects.count() == 1


def test_many_are_approved_at_once_with_a_report(desk: Client, wish: Return) -> None:
    other = make_order(number="B-1", placed_at=timezone.now())
    make_line(other)
    second = returns.request_return(other, [Wanted(other.lines.get().pk, 1)], make_reason())
    steps.cancel(second)
    chosen = {"action": "approve_all", "_selected_action": [wish.pk, second.pk]}
    said = text(desk.post(f"{QUEUE}?todo=all", chosen, follow=True))
    assert "1 return approved." in said
    assert f"{second.reference}: This is not possible any more" in said


def test_a_refund_made_by_hand_is_marked_with_its_reference(desk: Client, wish: Return) -> None:
    decide(desk, wish, "approve")
    transaction = wish.transactions.get()
    work = "/admin/refunds/refundtransaction/"
    assert "€79.95" in text(desk.get(f"{work}?todo=hand"))
    send = f"{work}{transaction.pk}/send/"
    desk.post(send, {"what": "done", "reference": ""})
    wish.refresh_from_db()
    assert wish.status == Return.Status.APPROVED
    desk.post(send, {"what": "done", "reference": "BO-77"})
    wish.refresh_from_db()
    assert wish.status == Return.Status.REFUNDED
    said = text(desk.post(send, {"what": "done", "reference": "BO-78"}, follow=True))
    assert "not possible any more" in said
    assert wish.order.refunds.count() == 1


def test_what_a_gateway_refused_stands_first_and_goes_by_hand(desk: Client, wish: Return) -> None:
    StoreGateway.objects.create(store=wish.order.store, gateway="stripe")
    decide(desk, wish, "approve")
    refused = wish.transactions.get()
    RefundTransaction.objects.update(status="refused", last_answer="No such charge")
    page = f"/admin/refunds/refundtransaction/{refused.pk}/"
    assert marks(desk.get(f"{page}change/"), "data-action") == ["done", "retry", "by_hand"]
    desk.post(f"{page}send/", {"what": "by_hand"})
    assert RefundTransaction.objects.to_be_made_by_hand().count() == 1


def test_withdrawals_have_a_desk(desk: Client, order: Order) -> None:
    case = withdrawals.withdraw(Statement("Bea", "bought in May", "buyer@example.com"), "en")
    assert "which order" in decide(desk, case, "approve")
    assert "No order has this number" in decide(desk, case, "attach", number="Z-9")
    decide(desk, case, "attach", number="a-1001")
    assert case.order == order
    decide(desk, case, "approve")
    assert case.status == Withdrawal.Status.APPROVED


def test_of_two_stores_with_the_same_number_staff_name_one(desk: Client, order: Order) -> None:
    twin = make_order(number=order.number, placed_at=timezone.now())
    case = withdrawals.withdraw(Statement("Bea", order.number, "someone@example.org"), "en")
    said = text(desk.get(page_of(case)))
    assert "Orders it may be about" in said
    assert twin.store.name in said
    assert "choose the store" in decide(desk, case, "attach", number=order.number)
    assert case.order is None
    decide(desk, case, "attach", number=order.number, store=str(twin.store_id))
    assert case.order == twin


def test_claims_have_a_desk_and_each_look_at_bank_details_is_on_record(desk: Client) -> None:
    license = make_bought()
    make_promotion(license.product)
    claim = make_claim(license, details=PayoutDetails("Bea Buyer", IBAN))
    assert IBAN not in text(desk.get(page_of(claim)))
    assert claim.proof is not None
    assert f"/{claim.proof.pk}" in desk.get(page_of(claim)).content.decode()
    assert IBAN in decide(desk, claim, "look")
    assert "Looked at the bank details" in text(desk.get(page_of(claim)))
    decide(desk, claim, "approve")
    assert "nothing was done" in decide(desk, claim, "pay", reference=" ")
    decide(desk, claim, "pay", reference="PAY-5")
    assert claim.status == CashbackClaim.Status.PAID
    assert not claim.payout_details
    assert "look" not in marks(desk.get(page_of(claim)), "data-action")


def test_an_agent_finds_what_they_worked_on(desk: Client, wish: Return) -> None:
    mine = f"{QUEUE}?todo=mine"
    assert wish.reference not in text(desk.get(mine))
    decide(desk, wish, "review")
    assert wish.reference in text(desk.get(mine))
    assert wish.reference not in text(signed_in(make_agent(username="bob")).get(mine))


def test_the_page_says_what_a_serial_number_covers_and_whether_it_was_sent_in_time(desk: Client, wish: Return) -> None:
    License.objects.update(devices=3, expires_on="2027-11-01")
    said = text(desk.get(page_of(wish)))
    assert "3 devices" in said
    assert "runs until 2027-11-01" in said
    assert "sent in time" in said


def test_swaps_have_a_desk(desk: Client, order: Order) -> None:
    case = swaps.request_swap(order, Wish(order.lines.get().pk, None, "for Mac"))
    decide(desk, case, "approve")
    decide(desk, case, "finish", serial="MAAB-1", devices="3")
    assert case.status == Swap.Status.SWAPPED
    assert "MAAB-1" in text(inside(order).get(f"/orders/{order.public_id}/"))


def test_who_may_only_look_cannot_decide(wish: Return) -> None:
    viewer = User.objects.create(username="vera", is_staff=True)
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_return", "view_refundtransaction"]))
    desk = signed_in(viewer)
    assert marks(desk.get(page_of(wish)), "data-action") == []
    url = page_of(wish).replace("change/", "decide/")
    assert desk.post(url, {"action": "approve"}).status_code == 403
    assert desk.post(QUEUE, {"action": "approve_all", "_selected_action": [wish.pk]}).status_code in (200, 302, 403)
    wish.refresh_from_db()
    assert wish.status == Return.Status.RECEIVED


@pytest.mark.parametrize("path", [QUEUE, "/admin/refunds/refundtransaction/"])
def test_strangers_and_buyers_see_nothing(wish: Return, path: str) -> None:
    for client in (Client(), inside(wish.order)):
        assert client.get(path)["Location"].startswith("/admin/login/")
        url = page_of(wish).replace("change/", "decide/")
        assert client.post(url, {"action": "approve"})["Location"].startswith("/admin/login/")
    assert ReturnEvent.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    ["returnpolicy", "returnreason", "withdrawalperiod", "storegateway", "swapoffer", "cashbackpromotion"],
)
def test_staffs_own_data_has_its_pages(desk: Client, name: str) -> None:
    assert desk.get(f"/admin/refunds/{name}/").status_code == 200
    assert desk.get(f"/admin/refunds/{name}/add/").status_code == 200
