"""If anything happened to an order since an import, it can't be undone, and the reason is reported."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from intake.models import ImportRun
from licenses.models import Device, Download, License
from licenses.services.assigning import assign_and_notify
from notifications.models import Message
from orders.models import Attempt, Order
from orders.services.address_corrections import correct_address
from refunds.models import Return, SwapOffer, Withdrawal
from refunds.services import returns, swaps, withdrawals
from support.models import ChargeClaim, Thread
from tests.factories import make_agent, make_product, make_reason, make_release
from tests.intake.exports import Importer, portal_order, the_order
from tests.intake.import_runs import content, differences, undo
from tests.pages import inside

pytestmark = pytest.mark.django_db


def request_return(order: Order) -> Return:
    return returns.request_return(order, [returns.RequestedLine(order.lines.get(position=1).pk, 1)], make_reason())


def withdraw(order: Order) -> None:
    withdrawals.withdraw(withdrawals.WithdrawalStatement("Ann", order.number, order.email), "en")
    withdrawals.match_withdrawals()


def promise_money(order: Order) -> None:
    returns.approve(request_return(order), make_agent())


def write_to_support(order: Order) -> None:
    Thread.objects.create(kind="contact", subject="Help", email=order.email, order=order)


def match_charge(order: Order) -> None:
    thread = Thread.objects.create(kind="charge_claim", subject="Charged", email=order.email)
    ChargeClaim.objects.create(thread=thread, matched_order=order, amount=1)


def download(order: Order) -> None:
    Download.objects.create(order=order, release=make_release(make_product()))


def send_email(order: Order) -> None:
    Message.objects.create(
        kind="order_confirmation", object_id=order.pk, order_id=order.pk, status="sent", sent_at=timezone.now()
    )


def begin_sending(order: Order) -> None:
    Message.objects.create(
        kind="order_confirmation", object_id=order.pk, order_id=order.pk, leased_until=timezone.now()
    )


def bounce(order: Order) -> None:
    Message.objects.create(
        kind="order_confirmation", object_id=order.pk, order_id=order.pk, status="bounced", sent_at=timezone.now()
    )


def open_by_password(order: Order) -> None:
    inside(order)


def open_by_card(order: Order) -> None:
    Client().post("/orders/find/card/", {"email": f" {order.email.upper()} ", "card_last4": order.card_last4})


def assign_serial(order: Order) -> None:
    line = order.lines.get(position=2)
    line.kind = "new"
    line.save()
    assign_and_notify(line, "XAAC-9999")
    Message.objects.all().delete()


def use_device(order: Order) -> None:
    now = timezone.now()
    license = order.licensed_lines.get().license
    Device.objects.create(license=license, vendor_id="D", activated_at=now, last_seen_at=now)


def revoke_by_staff(order: Order) -> None:
    License.objects.update(staff_decision="revoked")


def correct_email(order: Order) -> None:
    correct_address(order, "right@example.com")
    Message.objects.all().delete()


def edit_by_hand(order: Order) -> None:
    order.billing_name = "Somebody else"
    order.save()


def reset_password(order: Order) -> None:
    order.password_generation += 1
    order.save()


CASES: list[tuple[Callable[[Order], Any], str, str]] = [
    (request_return, "related", "return"),
    (withdraw, "related", "withdrawal"),
    (promise_money, "related", "refund transaction"),
    (write_to_support, "related", "thread"),
    (match_charge, "related", "charge claim"),
    (download, "related", "download"),
    (correct_email, "related", "address correction"),
    (send_email, "emailed", "sent"),
    (begin_sending, "emailed", "being sent"),
    (bounce, "emailed", "sent"),
    (open_by_password, "opened", "looked it up"),
    (open_by_card, "opened", "looked it up"),
    (assign_serial, "serial_assigned", "staff assigned"),
    (edit_by_hand, "changed", "changed"),
    (reset_password, "changed", "changed"),
]
CREATED_ONLY = [
    (use_device, "license_in_use", "device"),
    (revoke_by_staff, "license_in_use", "license"),
]


@pytest.mark.parametrize(("happen", "code", "reason"), CASES + CREATED_ONLY)
def test_a_created_order_stays(importer: Importer, happen: Callable[[Order], Any], code: str, reason: str) -> None:
    result = importer.orders(portal_order(), portal_order(number="OTHER", email="other@example.com", lines=[]))
    happen(the_order())
    before = content()
    undone = undo(result)
    assert (undone.exit_status, undone.tally) == (1, (1, 0, 1))
    assert code in undone.codes["A-1001"]
    assert reason in undone.said
    after = differences(before, content())
    assert after.keys() <= {"orders_order"}
    assert [row for row in after["orders_order"] if "OTHER" not in row] == []
    assert ImportRun.objects.get().state == "partly_undone"


@pytest.mark.parametrize(("happen", "code", "reason"), CASES)
def test_a_changed_order_stays_as_it_is(
    importer: Importer, happen: Callable[[Order], Any], code: str, reason: str
) -> None:
    importer.orders(portal_order())
    result = importer.orders(portal_order(billing={"city": "Bonn"}))
    happen(the_order())
    before = content()
    undone = undo(result)
    assert (undone.exit_status, undone.tally) == (1, (0, 0, 1))
    assert code in undone.codes["A-1001"]
    assert reason in undone.said
    assert differences(before, content()) == {}
    assert ImportRun.objects.get(pk=result.counts["run"]).state == "finished"


@pytest.mark.parametrize(("happen", "code", "reason"), CASES)
def test_what_happened_before_a_change_does_not_keep_it(
    importer: Importer, happen: Callable[[Order], Any], code: str, reason: str
) -> None:
    importer.orders(portal_order())
    happen(the_order())
    # Long ago, to distinguish them from later ones by time.
    Attempt.objects.update(at=datetime(2026, 1, 1, tzinfo=UTC))
    Message.objects.update(sent_at=datetime(2026, 1, 1, tzinfo=UTC), leased_until=None)
    before = content()
    undone = undo(importer.orders(portal_order(billing={"city": "Bonn"})))
    assert (undone.exit_status, undone.tally) == (0, (0, 1, 0))
    assert differences(before, content()) == {}


def test_a_swap_keeps_both_its_order_and_the_new_license(importer: Importer) -> None:
    result = importer.orders(portal_order(placed_at=timezone.now().isoformat()))
    order = the_order()
    Message.objects.all().delete()
    offer = SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Antivirus", price=1, currency="EUR"
    )
    swaps.request_swap(order, swaps.SwapRequest(order.lines.get(position=1).pk, offer))
    undone = undo(result)
    assert undone.codes == {"A-1001": {"related"}}
    assert "swap" in undone.said


def test_a_case_that_the_import_settled_itself_keeps_the_change(importer: Importer) -> None:
    importer.orders(portal_order(placed_at=(timezone.now() - timedelta(days=1)).isoformat()))
    order = the_order()
    case = request_return(order)
    refund = {"id": "R", "amount": str(case.amount), "at": timezone.now().isoformat()}
    result = importer.orders(portal_order(placed_at=order.placed_at.isoformat(), refunds=[refund]))
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    undone = undo(result)
    assert (undone.exit_status, undone.tally) == (1, (0, 0, 1))
    assert "related" in undone.codes["A-1001"]
    assert order.refunds.count() == 1


def test_a_withdrawal_of_this_second_is_noticed(importer: Importer) -> None:
    result = importer.orders(portal_order())
    order = the_order()
    withdrawals.withdraw(withdrawals.WithdrawalStatement("Ann", order.number, order.email), "en")
    assert undo(result).codes == {"A-1001": {"related"}}
    assert Withdrawal.objects.get().order == order


def test_when_an_obstacle_goes_the_rest_can_be_undone(importer: Importer) -> None:
    result = importer.orders(portal_order())
    send_email(the_order())
    assert undo(result).tally == (0, 0, 1)
    Message.objects.all().delete()
    assert (undo(result).exit_status, Order.objects.count()) == (0, 0)


def test_many_kept_orders_are_counted_and_the_first_are_listed(importer: Importer) -> None:
    result = importer.orders(*[portal_order(number=f"A-{number}", lines=[]) for number in range(30)])
    for order in Order.objects.all():
        edit_by_hand(order)
    undone = undo(result)
    assert undone.result["reasons"] == {"changed": 30}
    assert len(undone.result["orders"]) == 30
    assert undone.said.count("it was changed since") >= 20
    assert "10 more" in undone.said


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("undo_import", "--help")
    said = capsys.readouterr().out
    assert "undo_import 12 --dry-run" in said
    assert "Exit status: 0" in said
