"""Every state of a refund has an action for staff: retry, refund manually, mark as done, look up, not sent, revoke."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases import services
from cases.refusals import NotPossible, WrongStatus
from notifications.models import Message
from orders.models import Order, Refund
from portal import doctor_checks
from refunds.gateways.results import RefundDone, RefundNotFound, RefundUnclear
from refunds.ledger import load_ledger
from refunds.models import CashbackClaim, RefundTransaction, Return, StoreGateway, Withdrawal
from refunds.payout_details import PayoutDetails
from refunds.services import cashback, recovery, returns, sending, withdrawals
from refunds.services.recovery import WayOut, ways_out
from refunds.services.returns import RequestedLine
from refunds.services.sending import LEASE, send_due
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_line, make_order, make_store
from tests.pages import inside, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.stripe_server import Failure, StripeServer, error
from tests.refunds.stuck_refunds import later, newest, notes, signed_in
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db
Status = RefundTransaction.Status
TRANSACTIONS = "/admin/refunds/refundtransaction/"


# --- Refused ----------------------------------------------------------------------------------------------


def test_a_refused_refund_is_retried_and_the_history_says_by_whom(
    case: Return, refused: RefundTransaction, agent: User
) -> None:
    assert ways_out(refused) == [WayOut.MARK_DONE, WayOut.RETRY, WayOut.MAKE_BY_HAND, WayOut.TAKE_BACK]
    recovery.retry(refused, agent, "The bank called.")
    assert ways_out(refused) == []
    assert notes(case) == ["Refund retried.\nThe bank called."]
    assert case.events.latest("pk").by == agent
    assert send_due() == {"done": 1}


def test_a_refused_refund_is_made_by_hand(case: Return, refused: RefundTransaction, agent: User) -> None:
    recovery.make_by_hand(refused, agent)
    assert newest(case).gateway == StoreGateway.Gateway.MANUAL
    recovery.mark_done(newest(case), "BO-1", agent)
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert notes(case) == ["Refund changed to manual."]


def test_a_refund_that_was_never_sent_is_made_by_hand(case: Return, agent: User) -> None:
    recovery.make_by_hand(newest(case), agent)
    assert send_due() == {}
    assert RefundTransaction.objects.waiting_for_staff().count() == 1


def test_of_several_refused_tries_only_the_newest_needs_staff(
    case: Return, refused: RefundTransaction, stripe_server: StripeServer, agent: User
) -> None:
    recovery.retry(refused, agent)
    stripe_server.failures = [Failure(400, body=error("", "No."))]
    assert send_due() == {"refused": 1}
    assert list(RefundTransaction.objects.unresolved()) == [newest(case)]
    assert ways_out(refused) == []


def test_a_refund_without_a_key_has_ways_out(case: Return, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEYS = {}
    assert send_due() == {"refused": 1}
    assert len(ways_out(newest(case))) == 4


# --- Revoking an approval ---------------------------------------------------------------------------------


@pytest.mark.parametrize("is_refused", [True, False])
def test_an_approval_is_taken_back_with_a_reason_to_the_buyer(
    case: Return, stripe_server: StripeServer, agent: User, is_refused: bool
) -> None:
    if is_refused:
        stripe_server.failures = [Failure(400, body=error("", "No."))]
        send_due()
    recovery.take_back_approval(case, agent, "It was used.", "fraud?")
    case.refresh_from_db()
    assert (case.status, case.amount_approved) == (Return.Status.DECLINED, None)
    assert newest(case).status == Status.CANCELLED
    assert load_ledger(case.order).left == Decimal("79.95")
    assert send_due(later()) == {}
    assert Message.objects.filter(kind="return_declined").count() == 1
    page_text = text(inside(case.order).get(f"/returns/{case.reference}/"))
    assert "It was used." in page_text
    assert "fraud?" not in page_text


def test_a_withdrawals_approval_is_taken_back(agent: User) -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    case = withdraw(WithdrawalStatement("Bea", order.number, "buyer@example.com"), "en")
    withdrawals.approve(case, agent)
    recovery.take_back_approval(case, agent, "Downloaded already.")
    case.refresh_from_db()
    assert case.status == Withdrawal.Status.DECLINED
    assert newest(case).status == Status.CANCELLED
    assert Message.objects.filter(kind="withdrawal_declined").count() == 1


def test_an_approval_is_taken_back_after_a_chargeback(case: Return, agent: User) -> None:
    Order.objects.update(status=Order.Status.CHARGED_BACK)
    assert send_due() == {}
    recovery.take_back_approval(case, agent, "Your bank took the payment back.")
    assert newest(case).status == Status.CANCELLED


def test_after_an_approval_was_taken_back_the_units_can_be_returned_again(case: Return, agent: User) -> None:
    recovery.take_back_approval(case, agent, "Wrong button.")
    again = returns.request_return(case.order, [RequestedLine(case.order.lines.get().pk, 1)], case.reason)
    returns.approve(again, agent)
    assert newest(again).status == Status.WAITING


def test_an_approval_stays_while_the_gateway_may_have_made_the_refund(
    case: Return, unclear: RefundTransaction, agent: User
) -> None:
    with pytest.raises(NotPossible, match="Check at the gateway"):
        recovery.take_back_approval(case, agent, "No.")
    assert newest(case).status == Status.UNCLEAR


def test_taking_back_needs_a_reason_and_an_approval(case: Return, agent: User) -> None:
    with pytest.raises(NotPossible, match="reason"):
        recovery.take_back_approval(case, agent, "  ")
    recovery.take_back_approval(case, agent, "No.")
    with pytest.raises(WrongStatus):
        recovery.take_back_approval(case, agent, "No.")


def test_a_plain_decline_leaves_an_approved_return_alone(case: Return, agent: User) -> None:
    with pytest.raises(WrongStatus):
        services.decline(case, agent, "No.")
    assert newest(case).status == Status.WAITING


def test_approved_cashback_is_taken_back_and_can_be_claimed_again(agent: User) -> None:
    license = make_purchased_license()
    make_promotion(license.product)
    claim = make_claim(license, details=PayoutDetails("Bea Buyer", "DE89370400440532013000"))
    cashback.approve(claim, agent)
    with pytest.raises(WrongStatus):
        cashback.decline(claim, agent, "No.")
    cashback.take_back_approval(claim, agent, "The receipt is of another order.")
    claim.refresh_from_db()
    assert (claim.status, bytes(claim.payout_details)) == (CashbackClaim.Status.DECLINED, b"")
    assert Message.objects.filter(kind="cashback_declined").count() == 1
    with pytest.raises(WrongStatus):
        cashback.record_payout(claim, agent, "PAY-1")
    assert make_claim(license).status == CashbackClaim.Status.RECEIVED


# --- Unclear ----------------------------------------------------------------------------------------------


def test_an_unclear_refund_is_looked_up_at_once(case: Return, stripe_server: StripeServer, agent: User) -> None:
    stripe_server.failures = [Failure(after_refund=True)]
    send_due()
    assert isinstance(recovery.look_up(newest(case), agent), RefundDone)
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert send_due(later()) == {}
    assert len(stripe_server.refunds) == 1
    assert notes(case) == ["Checked at the gateway: Refund completed."]


def test_a_refund_that_was_not_found_is_marked_as_not_sent_and_retried(
    case: Return, unclear: RefundTransaction, stripe_server: StripeServer, agent: User
) -> None:
    assert ways_out(unclear) == [WayOut.LOOK_UP, WayOut.MARK_DONE]
    with pytest.raises(NotPossible, match="Check at the gateway first"):
        recovery.mark_not_sent(unclear, agent, "The server was down.")
    assert isinstance(recovery.look_up(unclear, agent), RefundNotFound)
    assert WayOut.MARK_NOT_SENT in ways_out(newest(case))
    recovery.mark_not_sent(unclear, agent, "The server was down.")
    assert newest(case).status == Status.REFUSED
    assert send_due(later()) == {}
    recovery.retry(newest(case), agent)
    assert send_due() == {"done": 1}
    assert len(stripe_server.refunds) == 1
    assert "Marked as not sent: The server was down." in notes(case)


def test_a_lookup_is_outdated_by_the_next_try(
    case: Return, unclear: RefundTransaction, stripe_server: StripeServer, agent: User
) -> None:
    recovery.look_up(unclear, agent)
    stripe_server.failures = [Failure(after_refund=True)]
    assert send_due(later()) == {"unclear": 1}
    with pytest.raises(NotPossible, match="Check at the gateway first"):
        recovery.mark_not_sent(unclear, agent, "Surely not.")


def test_nothing_found_while_a_worker_may_be_sending_proves_nothing(
    case: Return, unclear: RefundTransaction, agent: User
) -> None:
    RefundTransaction.objects.update(leased_until=timezone.now() + LEASE)
    assert isinstance(recovery.look_up(unclear, agent), RefundNotFound)
    with pytest.raises(NotPossible):
        recovery.mark_not_sent(unclear, agent, "Surely not.")
    assert "Nothing found yet, but it may still be processing." in newest(case).last_answer


@pytest.mark.parametrize("ends_in", [timedelta(days=-1), timedelta(days=1)])
def test_a_stuck_lease_blocks_no_action(
    case: Return, unclear: RefundTransaction, agent: User, ends_in: timedelta
) -> None:
    RefundTransaction.objects.update(leased_until=timezone.now() + ends_in)
    recovery.look_up(unclear, agent)
    recovery.mark_not_sent(unclear, agent, "The worker was killed before.")
    recovery.take_back_approval(case, agent, "No.")
    assert newest(case).status == Status.CANCELLED


def test_staff_who_found_the_refund_at_the_gateway_record_it_even_under_a_lease(
    case: Return, unclear: RefundTransaction, stripe_server: StripeServer, agent: User
) -> None:
    RefundTransaction.objects.update(leased_until=timezone.now() + LEASE)
    recovery.mark_done(unclear, "re_77", agent)
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert newest(case).store_reference == "re_77"
    assert send_due(later()) == {}
    assert load_ledger(case.order).refunded == Decimal("79.95")
    assert notes(case) == ["Staff found the refund at the gateway."]


def test_a_refund_that_the_store_has_reported_already_is_counted_once(
    case: Return, unclear: RefundTransaction, agent: User
) -> None:
    Refund.objects.create(order=case.order, store_refund_id="re_77", amount=Decimal("79.95"))
    recovery.mark_done(unclear, "re_77", agent)
    assert load_ledger(case.order).refunded == Decimal("79.95")
    assert newest(case).refund == Refund.objects.get()


def test_the_result_of_a_worker_that_comes_after_staff_recorded_it_counts_once(
    case: Return, unclear: RefundTransaction, agent: User
) -> None:
    recovery.mark_done(unclear, "re_77", agent)
    sending._store_result(unclear, RefundDone("re_77"), timezone.now())
    assert load_ledger(case.order).refunded == Decimal("79.95")


def test_a_lookup_that_fails_allows_nothing_new(
    case: Return, unclear: RefundTransaction, settings: Settings, agent: User
) -> None:
    settings.STRIPE_SECRET_KEYS = {}
    assert isinstance(recovery.look_up(unclear, agent), RefundUnclear)
    assert ways_out(newest(case)) == [WayOut.LOOK_UP, WayOut.MARK_DONE]


def test_only_an_unclear_refund_is_looked_up(case: Return, agent: User) -> None:
    with pytest.raises(WrongStatus):
        recovery.look_up(newest(case), agent)


# --- Gateways without a key -------------------------------------------------------------------------------


def test_a_gateway_cannot_be_chosen_for_a_store_without_its_key(settings: Settings, agent: User) -> None:
    store, url = make_store(), "/admin/refunds/storegateway/add/"
    settings.STRIPE_SECRET_KEYS = {"another-store": "sk_test_secret"}
    client = signed_in(agent)
    assert "STRIPE_SECRET_KEYS" in text(client.post(url, {"store": store.pk, "gateway": "stripe"}))
    assert not StoreGateway.objects.exists()
    client.post(url, {"store": store.pk, "gateway": "manual"})
    row = StoreGateway.objects.get()
    change = f"/admin/refunds/storegateway/{row.pk}/change/"
    assert "STRIPE_SECRET_KEYS" in text(client.post(change, {"store": store.pk, "gateway": "stripe"}))
    settings.STRIPE_SECRET_KEYS = {store.slug: "sk_test_secret"}
    client.post(change, {"store": store.pk, "gateway": "stripe"})
    row.refresh_from_db()
    assert row.gateway == StoreGateway.Gateway.STRIPE


def test_doctor_reports_a_gateway_without_its_key(settings: Settings) -> None:
    row = StoreGateway.objects.create(store=make_store(), gateway=StoreGateway.Gateway.STRIPE)
    settings.STRIPE_SECRET_KEYS = {}
    with pytest.raises(doctor_checks.CheckFailed, match=row.store.slug) as failure:
        doctor_checks.check_gateways()
    assert "STRIPE_SECRET_KEYS" in failure.value.remedy
    settings.STRIPE_SECRET_KEYS = {row.store.slug: "sk_test_secret"}
    assert doctor_checks.check_gateways() == "1 stores have one, all with a key"
    settings.STRIPE_SECRET_KEYS |= {"no-such-store": "sk_test_2"}
    with pytest.raises(doctor_checks.CheckWarning, match="no-such-store"):
        doctor_checks.check_gateways()
