"""An erasure is refused, with a sentence that names the case, while money is promised or something is undecided."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from desk.models import Erasure
from notifications.services import send
from orders.models import NO_END_YET, Order
from orders.services.address_corrections import correct_address
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal
from refunds.payout_details import PayoutDetails, encrypt
from support.models import ChargeClaim, Thread
from tests.desk.held_data import traces
from tests.factories import make_license, make_line, make_order, make_reason
from tests.intake.exports import portal_order
from tests.intake.pushing_stores import PushingStore, process
from tests.refunds.cashback import make_promotion

pytestmark = pytest.mark.django_db

ADDRESS = "zyxwv@example.com"


@pytest.fixture
def order() -> Order:
    return make_order(store_email=ADDRESS, billing_name="zyxwv Archer")


def refusal() -> str:
    """Try to erase, and return why it is refused. Nothing changes."""
    before = traces("zyxwv")
    with pytest.raises(CommandError) as error:
        call_command("erase_person", ADDRESS, stdout=StringIO())
    assert error.value.returncode == 1
    assert traces("zyxwv") == before
    assert not Erasure.objects.exists()
    dry = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("erase_person", ADDRESS, "--dry-run", stdout=dry)
    assert ended.value.code == 1
    reasons = str(error.value).split("\n- ")[1:]
    assert [reason for reason in reasons if reason not in dry.getvalue()] == []
    return "\n".join(reasons)


def make_return(order: Order, status: str) -> Return:
    return Return.objects.create(
        order=order, status=status, reason=make_reason(), currency="EUR", amount=Decimal(5), decided_at=timezone.now()
    )


def make_transaction(case: Return, status: str) -> RefundTransaction:
    return RefundTransaction.objects.create(
        order=case.order, return_case=case, currency="EUR", amount=Decimal(5), gateway="manual", status=status
    )


@pytest.mark.parametrize("status", ["received", "in_review", "question_asked"])
def test_a_return_is_undecided(order: Order, status: str) -> None:
    case = make_return(order, status)
    assert refusal() == f"{case.reference} is undecided ({case.get_status_display()}). Decide on it first."


def test_a_return_is_approved_but_not_refunded(order: Order) -> None:
    case = make_return(order, "approved")
    assert refusal().startswith(f"{case.reference} is approved, but not completed yet.")


@pytest.mark.parametrize("status", ["waiting", "unclear"])
def test_a_refund_is_promised(order: Order, status: str) -> None:
    case = make_return(order, "declined")
    make_transaction(case, status)
    assert refusal() == f"A refund of 5.00 EUR is promised for {case.reference}. Make it first, or revoke the approval."


def test_the_gateway_declined_a_refund_that_is_still_approved(order: Order) -> None:
    case = make_return(order, "approved")
    make_transaction(case, "refused")
    assert f"is promised for {case.reference}" in refusal()


def test_a_withdrawal_without_an_order_is_undecided() -> None:
    case = Withdrawal.objects.create(status="received", name="zyxwv", email=ADDRESS.upper(), order_number="A-1")
    assert refusal().startswith(f"{case.reference} is undecided")


def test_a_swap_is_approved(order: Order) -> None:
    case = Swap.objects.create(status="approved", order=order, line=make_line(order), wanted="Other", currency="EUR")
    assert refusal().startswith(f"{case.reference} is approved, but not completed yet.")


def test_cashback_waits_for_its_payment(order: Order) -> None:
    case = CashbackClaim.objects.create(
        status="approved",
        order=order,
        promotion=make_promotion(),
        license=make_license(make_line(order)),
        country="DE",
        currency="EUR",
        amount=Decimal(10),
        payout_details=encrypt(PayoutDetails("Ann", "DE89370400440532013000")),
    )
    assert refusal() == f"The cashback of {case.reference} isn’t paid yet. Pay it first, or decline the claim."


def test_a_charge_claim_is_undecided() -> None:
    thread = Thread.objects.create(kind=Thread.Kind.CHARGE_CLAIM, subject="zyxwv", email=ADDRESS)
    ChargeClaim.objects.create(thread=thread)
    assert refusal() == f"The charge claim {thread.reference} is undecided. Decide on it first."


def test_a_message_to_support_promises_nothing() -> None:
    Thread.objects.create(kind=Thread.Kind.CONTACT, subject="zyxwv", email=ADDRESS)
    call_command("erase_person", ADDRESS, stdout=StringIO())
    assert traces("zyxwv") == []


def test_a_thief_who_corrected_the_address_cant_erase_the_traces(order: Order) -> None:
    """Neither can the owner of the earlier address lose the right to undo."""
    stolen = make_order(store_email="owner@example.com", number="STOLEN-1")
    correct_address(stolen, ADDRESS)
    assert stolen.number in refusal()
    stolen.refresh_from_db()
    assert stolen.returns_frozen_until == NO_END_YET
    with pytest.raises(CommandError, match="STOLEN-1"):
        call_command("erase_person", "owner@example.com", stdout=StringIO())
    stolen.address_corrections.update(undo_until=timezone.now() - timedelta(seconds=1))
    call_command("erase_person", ADDRESS, stdout=StringIO())
    assert traces("zyxwv") == []


def test_an_event_of_the_store_waits_to_be_imported(order: Order) -> None:
    store = PushingStore("portal", "acme-eu")
    store.push(portal_order(email=ADDRESS))
    assert "isn’t imported yet" in refusal()
    process()
    call_command("erase_person", ADDRESS, stdout=StringIO())
    assert traces("zyxwv") == []


def test_all_reasons_are_listed(order: Order) -> None:
    first, second = make_return(order, "received"), make_return(order, "approved")
    reasons = refusal()
    assert first.reference in reasons
    assert second.reference in reasons


def test_the_cases_of_others_prevent_nothing(order: Order) -> None:
    other = make_order(store_email="bob@example.com")
    make_return(other, "received")
    send("order_confirmation", other, "bob@example.com", order_id=other.pk)
    call_command("erase_person", ADDRESS, stdout=StringIO())
    assert traces("zyxwv") == []
