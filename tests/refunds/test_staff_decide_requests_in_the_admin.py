"""The admin of refund requests: queues, case pages, decisions, permissions, manual refunds."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from cases import services
from licenses.models import License
from orders.models import Order
from refunds.models import CashbackClaim, RefundTransaction, Return, ReturnEvent, StoreGateway, Swap, Withdrawal
from refunds.payout_details import PayoutDetails
from refunds.services import returns, swaps
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_agent, make_license, make_line, make_order, make_reason
from tests.pages import inside, marks, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db

QUEUE = "/admin/refunds/return/"
IBAN = "DE89370400440532013000"  # the common example IBAN


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", placed_at=timezone.now())
    make_license(make_line(order), "XAAB-0001")
    return order


@pytest.fixture
def return_case(order: Order) -> Return:
    return returns.request_return(order, [RequestedLine(order.lines.get().pk, 1)], make_reason(), "does not fit")


@pytest.fixture
def staff_client() -> Client:
    return signed_in(make_agent(username="ada"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_url(case: Any) -> str:
    return f"/admin/refunds/{case._meta.model_name}/{case.pk}/change/"


def decide(staff_client: Client, case: Any, action: str, **fields: str) -> str:
    """Run one action of the case page and return the text of the next page."""
    typed = {f"{action}-{name}": value for name, value in fields.items()}
    url = page_url(case).replace("change/", "decide/")
    response = staff_client.post(url, {"action": action} | typed, follow=True)
    assert response.status_code == 200
    case.refresh_from_db()
    return text(response)


def test_the_case_page_shows_the_whole_case(staff_client: Client, return_case: Return) -> None:
    earlier = make_order(number="A-0999", placed_at=timezone.now())
    make_line(earlier)
    other = returns.request_return(earlier, [RequestedLine(earlier.lines.get().pk, 1)], make_reason())
    services.add_note(return_case, User.objects.get(username="ada"), "called us")
    response = staff_client.get(page_url(return_case))
    page_text = text(response)
    for fact in ("A-1001", "XAAB-0001", "not activated", "€79.95", "does not fit", "called us", "ada", "30 days"):
        assert fact in page_text, fact
    assert "return_received" in page_text
    assert other.reference in page_text
    assert marks(response, "data-action") == [
        "approve",
        "review",
        "ask",
        "decline",
        "note",
        "take",
        "assign",
        "snooze",
        "tag",
    ]


def test_the_queue_lists_open_cases_by_due_date(staff_client: Client, return_case: Return) -> None:
    later = make_order(number="B-1", placed_at=timezone.now())
    make_line(later)
    second = returns.request_return(later, [RequestedLine(later.lines.get().pk, 1)], make_reason())
    Return.objects.filter(pk=second.pk).update(due_at=timezone.now() - timedelta(days=1))
    page_text = text(staff_client.get(QUEUE))
    assert page_text.index(second.reference) < page_text.index(return_case.reference)
    assert second.reference in text(staff_client.get(f"{QUEUE}?todo=overdue"))
    assert return_case.reference not in text(staff_client.get(f"{QUEUE}?todo=overdue"))
    services.cancel(return_case)
    assert return_case.reference not in text(staff_client.get(QUEUE))
    assert return_case.reference in text(staff_client.get(f"{QUEUE}?todo=all"))


@pytest.mark.parametrize("word", ["reference", "a-1001", "BUYER@example.com", "xaab 0001"])
def test_a_case_is_found_by_reference_order_address_and_serial(
    staff_client: Client, return_case: Return, word: str
) -> None:
    word = return_case.reference if word == "reference" else word
    assert return_case.reference in text(staff_client.get(QUEUE, {"q": word}))
    assert return_case.reference not in text(staff_client.get(QUEUE, {"q": "nothing-like-it"}))


def test_the_number_of_queries_of_the_queue_does_not_grow_with_its_rows(
    staff_client: Client, return_case: Return, django_assert_max_num_queries: Any
) -> None:
    for number in range(15):
        order = make_order(number=f"Q-{number}", placed_at=timezone.now())
        make_line(order)
        returns.request_return(order, [RequestedLine(order.lines.get().pk, 1)], return_case.reason)
    with django_assert_max_num_queries(16):
        assert staff_client.get(QUEUE).status_code == 200


def test_a_return_is_decided_on_its_page(staff_client: Client, return_case: Return) -> None:
    decide(staff_client, return_case, "review")
    assert return_case.status == Return.Status.IN_REVIEW
    decide(staff_client, return_case, "ask", text="Which device?", note="unclear")
    assert return_case.status == Return.Status.QUESTION_ASKED
    decide(staff_client, return_case, "approve", amount="10.00", text="A part.")
    assert return_case.status == Return.Status.APPROVED
    assert str(return_case.amount_approved) == "10.000"
    assert [event.by.username for event in return_case.events.exclude(by=None)] == ["ada"] * 3
    assert LogEntry.objects.filter(object_id=str(return_case.pk)).count() == 3


def test_declining_needs_a_reason_and_keeps_the_note_internal(staff_client: Client, return_case: Return) -> None:
    assert "Nothing was changed." in decide(staff_client, return_case, "decline", text="  ")
    assert return_case.status == Return.Status.RECEIVED
    decide(staff_client, return_case, "decline", text="It was used for a year.", note="fraud?")
    assert return_case.status == Return.Status.DECLINED
    buyers = text(inside(return_case.order).get(f"/returns/{return_case.reference}/"))
    assert "It was used for a year." in buyers
    assert "fraud?" not in buyers


@pytest.mark.parametrize("amount", ["-1", "0", "80", "0.001", "NaN", "1e99", "ten"])
def test_an_invalid_amount_is_refused(staff_client: Client, return_case: Return, amount: str) -> None:
    decide(staff_client, return_case, "approve", amount=amount)
    assert return_case.status == Return.Status.RECEIVED
    assert not RefundTransaction.objects.exists()


def test_a_late_decision_is_refused_and_changes_nothing(staff_client: Client, return_case: Return) -> None:
    decide(staff_client, return_case, "approve")
    page_text = decide(staff_client, return_case, "decline", text="No.")
    assert "no longer possible" in page_text
    assert return_case.status == Return.Status.APPROVED
    assert RefundTransaction.objects.count() == 1


def test_selected_returns_are_approved_together_with_a_report(staff_client: Client, return_case: Return) -> None:
    other = make_order(number="B-1", placed_at=timezone.now())
    make_line(other)
    second = returns.request_return(other, [RequestedLine(other.lines.get().pk, 1)], make_reason())
    services.cancel(second)
    chosen = {"action": "approve_all", "_selected_action": [return_case.pk, second.pk]}
    page_text = text(staff_client.post(f"{QUEUE}?todo=all", chosen, follow=True))
    assert "1 return approved." in page_text
    assert f"{second.reference}: This is no longer possible" in page_text


def test_a_manual_refund_is_marked_as_done_with_its_reference(staff_client: Client, return_case: Return) -> None:
    decide(staff_client, return_case, "approve")
    transaction = return_case.transactions.get()
    work = "/admin/refunds/refundtransaction/"
    assert "€79.95" in text(staff_client.get(f"{work}?todo=hand"))
    send = f"{work}{transaction.pk}/send/"
    staff_client.post(send, {"action": "done", "reference": ""})
    return_case.refresh_from_db()
    assert return_case.status == Return.Status.APPROVED
    staff_client.post(send, {"action": "done", "reference": "BO-77"})
    return_case.refresh_from_db()
    assert return_case.status == Return.Status.REFUNDED
    page_text = text(staff_client.post(send, {"action": "done", "reference": "BO-78"}, follow=True))
    assert "no longer possible" in page_text
    assert return_case.order.refunds.count() == 1


def test_a_refused_refund_is_listed_first_and_can_be_made_by_hand(staff_client: Client, return_case: Return) -> None:
    StoreGateway.objects.create(store=return_case.order.store, gateway="stripe")
    decide(staff_client, return_case, "approve")
    refused = return_case.transactions.get()
    RefundTransaction.objects.update(status="refused", last_answer="No such charge")
    page = f"/admin/refunds/refundtransaction/{refused.pk}/"
    assert marks(staff_client.get(f"{page}change/"), "data-action") == ["done", "retry", "by_hand", "take_back"]
    staff_client.post(f"{page}send/", {"action": "by_hand"})
    assert RefundTransaction.objects.waiting_for_staff().count() == 1


def test_staff_decide_a_withdrawal(staff_client: Client, order: Order) -> None:
    case = withdraw(WithdrawalStatement("Bea", "bought in May", "buyer@example.com"), "en")
    assert "Assign an order first." in decide(staff_client, case, "approve")
    assert "No order has this number" in decide(staff_client, case, "attach", number="Z-9")
    decide(staff_client, case, "attach", number="a-1001")
    assert case.order == order
    decide(staff_client, case, "approve")
    assert case.status == Withdrawal.Status.APPROVED


def test_staff_choose_the_store_if_two_orders_have_the_number(staff_client: Client, order: Order) -> None:
    twin = make_order(number=order.number, placed_at=timezone.now())
    case = withdraw(WithdrawalStatement("Bea", order.number, "someone@example.org"), "en")
    page_text = text(staff_client.get(page_url(case)))
    assert "Possible orders" in page_text
    assert twin.store.name in page_text
    assert "Choose the store." in decide(staff_client, case, "attach", number=order.number)
    assert case.order is None
    decide(staff_client, case, "attach", number=order.number, store=str(twin.store_id))
    assert case.order == twin


def test_staff_decide_a_claim_and_every_view_of_bank_details_is_recorded(staff_client: Client) -> None:
    license = make_purchased_license()
    make_promotion(license.product)
    claim = make_claim(license, details=PayoutDetails("Bea Buyer", IBAN))
    assert IBAN not in text(staff_client.get(page_url(claim)))
    assert claim.proof is not None
    assert f"/{claim.proof.pk}" in staff_client.get(page_url(claim)).content.decode()
    assert IBAN in decide(staff_client, claim, "look")
    assert "Viewed the bank details." in text(staff_client.get(page_url(claim)))
    decide(staff_client, claim, "approve")
    assert "Nothing was changed." in decide(staff_client, claim, "pay", reference=" ")
    decide(staff_client, claim, "pay", reference="PAY-5")
    assert claim.status == CashbackClaim.Status.PAID
    assert not claim.payout_details
    assert "look" not in marks(staff_client.get(page_url(claim)), "data-action")


def test_the_filter_mine_lists_cases_that_the_agent_worked_on(staff_client: Client, return_case: Return) -> None:
    mine = f"{QUEUE}?todo=mine"
    assert return_case.reference not in text(staff_client.get(mine))
    decide(staff_client, return_case, "review")
    assert return_case.reference in text(staff_client.get(mine))
    assert return_case.reference not in text(signed_in(make_agent(username="bob")).get(mine))


def test_the_page_shows_serial_numbers_and_the_return_deadline(staff_client: Client, return_case: Return) -> None:
    License.objects.update(devices=3, expires_on="2027-11-01")
    page_text = text(staff_client.get(page_url(return_case)))
    assert "3 devices" in page_text
    assert "valid until 2027-11-01" in page_text
    assert "sent in time" in page_text


def test_staff_decide_a_swap(staff_client: Client, order: Order) -> None:
    case = swaps.request_swap(order, SwapRequest(order.lines.get().pk, None, "for Mac"))
    decide(staff_client, case, "approve")
    decide(staff_client, case, "finish", serial="MAAB-1", devices="3")
    assert case.status == Swap.Status.SWAPPED
    assert "MAAB-1" in text(inside(order).get(f"/orders/{order.public_id}/"))


def test_users_with_view_permission_cannot_decide(return_case: Return) -> None:
    viewer = User.objects.create(username="vera", is_staff=True)
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_return", "view_refundtransaction"]))
    staff_client = signed_in(viewer)
    assert marks(staff_client.get(page_url(return_case)), "data-action") == []
    url = page_url(return_case).replace("change/", "decide/")
    assert staff_client.post(url, {"action": "approve"}).status_code == 403
    assert staff_client.post(QUEUE, {"action": "approve_all", "_selected_action": [return_case.pk]}).status_code in (
        200,
        302,
        403,
    )
    return_case.refresh_from_db()
    assert return_case.status == Return.Status.RECEIVED


@pytest.mark.parametrize("path", [QUEUE, "/admin/refunds/refundtransaction/"])
def test_strangers_and_buyers_have_no_access(return_case: Return, path: str) -> None:
    for client in (Client(), inside(return_case.order)):
        assert client.get(path)["Location"].startswith("/admin/login/")
        url = page_url(return_case).replace("change/", "decide/")
        assert client.post(url, {"action": "approve"})["Location"].startswith("/admin/login/")
    assert ReturnEvent.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    ["returnpolicy", "returnreason", "withdrawalperiod", "storegateway", "swapoffer", "cashbackpromotion"],
)
def test_configuration_pages_open(staff_client: Client, name: str) -> None:
    assert staff_client.get(f"/admin/refunds/{name}/").status_code == 200
    assert staff_client.get(f"/admin/refunds/{name}/add/").status_code == 200
