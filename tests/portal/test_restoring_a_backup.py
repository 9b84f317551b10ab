"""After a restore, everything outgoing waits until a person says go. tests/production has the whole drill."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from intake.services.event_processing import process_due
from notifications.delivery import deliver_due
from notifications.models import Message, OutgoingHold
from notifications.services import send
from portal import restoring
from portal.data_checks import CheckFailed, check_hold
from refunds.models import RefundTransaction, StoreGateway
from refunds.services import returns
from refunds.services.returns import RequestedLine
from refunds.services.sending import send_due
from tests.desk.staff import staff_with_role
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def approve_refund(gateway: str) -> RefundTransaction:
    order = make_order(placed_at=timezone.now())
    StoreGateway.objects.create(store=order.store, gateway=gateway)
    case = returns.request_return(order, [RequestedLine(make_line(order).pk, 1)], make_reason())
    returns.approve(case, make_agent())
    return case.transactions.get()


@pytest.fixture
def waiting_email() -> Message:
    order = make_order()
    send("order_confirmation", order, order.email, order_id=order.pk)
    return Message.objects.get(kind="order_confirmation", object_id=order.pk)


def test_no_email_leaves_while_it_is_held(waiting_email: Message) -> None:
    restoring.hold()
    assert deliver_due() == {}
    assert mail.outbox == []
    restoring.release()
    assert deliver_due() == {"sent": 1}


def test_no_refund_leaves_and_afterwards_the_gateway_is_asked_first(settings: Any) -> None:
    refund, manual = approve_refund(StoreGateway.Gateway.STRIPE), approve_refund(StoreGateway.Gateway.MANUAL)
    restoring.hold()
    assert send_due() == {}
    refund.refresh_from_db()
    manual.refresh_from_db()
    assert refund.status == RefundTransaction.Status.UNCLEAR  # looked up before it is sent
    assert manual.status == RefundTransaction.Status.WAITING


def test_store_events_wait() -> None:
    restoring.hold()
    assert process_due(timezone.now() + timedelta(seconds=5)) == {}


def test_sessions_of_the_backup_open_nothing() -> None:
    browser = inside(make_order(number="A-1"))
    assert restoring.hold().sessions == 1
    assert not Session.objects.exists()
    assert "A-1" not in text(browser.get("/orders/find/"))


def test_emails_of_the_backup_can_be_canceled_but_not_later_ones(waiting_email: Message) -> None:
    restoring.hold()
    later = make_order()
    send("order_confirmation", later, later.email, order_id=later.pk)
    Message.objects.filter(object_id=later.pk).update(created_at=timezone.now() + timedelta(seconds=1))
    assert restoring.release(cancel_emails=True) == 1
    waiting_email.refresh_from_db()
    assert waiting_email.status == Message.Status.CANCELLED
    assert Message.objects.waiting().get().object_id == later.pk


def test_holding_twice_keeps_the_first_time(waiting_email: Message) -> None:
    restoring.hold()
    since = OutgoingHold.objects.get().since
    restoring.hold()
    assert OutgoingHold.objects.get().since == since


def test_the_command_says_what_waits_and_what_to_do(waiting_email: Message, capsys: Any) -> None:
    call_command("after_restore", "--dry-run")
    assert not OutgoingHold.is_active()
    call_command("after_restore")
    out = capsys.readouterr().out
    assert "1  emails" in out
    assert "--release" in out
    call_command("after_restore", "--release")
    call_command("after_restore", "--release")
    out = capsys.readouterr().out
    assert "Released." in out
    assert "Nothing was held." in out
    with pytest.raises(CommandError, match="needs --release"):
        call_command("after_restore", "--cancel-emails")


def test_doctor_fails_and_the_home_page_says_so_as_long_as_it_lasts() -> None:
    restoring.hold()
    with pytest.raises(CheckFailed, match="held"):
        check_hold()
    assert "after_restore --release" in text(staff_with_role("agent").get("/admin/"))
    restoring.release()
    assert check_hold() == "nothing is held"
