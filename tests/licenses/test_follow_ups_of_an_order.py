"""Which follow-ups an order gets, and what cancels them."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from licenses.models import InstallGuide, License
from notifications import follow_ups, kinds
from notifications.models import FollowUp, Message
from notifications.rendering import build
from orders.models import FollowUpSchedule, Order, Refund
from tests.factories import make_license, make_line, make_order, make_product, make_release, make_store

pytestmark = pytest.mark.django_db

PLACED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def after(**time: float) -> list[str]:
    """Return the kinds that were sent if the follow-ups ran this long after the purchase."""
    now = PLACED + timedelta(**time)
    with time_machine.travel(now, tick=False):
        follow_ups.run(now)
    return [row.kind for row in FollowUp.objects.filter(status=FollowUp.Status.SENT).order_by("settled_at")]


def email_of(kind: str) -> Any:
    return build(Message.objects.get(kind=kind), kinds.get(kind))


def in_use(order: Order) -> License:
    return make_license(order.lines.get(), activated_at=timezone.now())


def test_a_missing_serial_number_is_regretted_a_day_later() -> None:
    make_line(make_order(number="A-1001"))
    assert after(hours=23) == []
    assert after(hours=25) == ["serial_missing"]
    assert "A-1001" in email_of("serial_missing").body


def test_not_when_it_came_or_the_order_is_undone() -> None:
    came, undone, a_test = (make_order(number=f"A-{number}") for number in range(3))
    for order in (came, undone, a_test):
        make_line(order)
    assert after(hours=10) == []
    in_use(came)
    Order.objects.filter(pk=undone.pk).update(status=Order.Status.CANCELLED)
    Order.objects.filter(pk=a_test.pk).update(is_test=True)
    assert after(hours=25) == []
    assert set(FollowUp.objects.filter(kind="serial_missing").values_list("status", flat=True)) == {"cancelled"}


def test_an_import_of_old_orders_sends_no_follow_ups() -> None:
    make_line(make_order())
    assert after(days=9) == []


def test_the_email_about_an_unused_license_contains_its_guide() -> None:
    product = make_product(slug="maximum")
    InstallGuide.objects.create(product=product, title="Install", body="Press it.")
    make_license(make_line(make_order()), serial="XAAB-1234-5678-9012-3456", product=product)
    assert after(days=4) == ["license_not_activated"]
    email = email_of("license_not_activated")
    assert "/guides/maximum/" in email.body
    assert "XAAB" not in email.body + email.alternatives[0][0]


@pytest.mark.parametrize("event", [{"activated_at": PLACED}, {"revoked_at": PLACED}])
def test_activating_or_revoking_it_ends_that(event: dict[str, Any]) -> None:
    license = make_license(make_line(make_order()))
    after(days=3.5)
    assert FollowUp.objects.planned().filter(kind="license_not_activated").exists()
    License.objects.filter(pk=license.pk).update(**event)
    assert after(days=4) == []


def test_giving_it_back_ends_that() -> None:
    order = make_order()
    line = make_line(order)
    make_license(line)
    after(days=3.5)
    line.quantity_returned = 1
    line.save()
    assert after(days=4) == []


def test_activation_between_the_decision_and_the_sending_still_counts() -> None:
    license = make_license(make_line(make_order()))
    after(days=4)
    License.objects.filter(pk=license.pk).update(activated_at=timezone.now())
    kind = kinds.get("license_not_activated")
    assert not kind.still_wanted(Message.objects.get(kind=kind.name))


def test_before_downloads_end() -> None:
    product = make_product()
    make_release(product, released_at=PLACED - timedelta(days=9))
    make_license(make_line(make_order()), product=product, activated_at=PLACED)
    assert after(days=24) == []
    assert after(days=25, hours=2) == ["downloads_end"]
    assert "1 December 2026" in email_of("downloads_end").body


def test_before_a_license_ends_but_not_when_it_was_renewed() -> None:
    expires = (PLACED + timedelta(days=40)).date()
    ended = make_license(make_line(make_order(number="A-1")), expires_on=expires, activated_at=PLACED)
    renewed = make_license(
        make_line(make_order(number="A-2", store_email="b@example.com")), expires_on=expires, activated_at=PLACED
    )
    after(days=25, hours=22)
    assert FollowUp.objects.planned().filter(kind="license_ends").count() == 2
    License.objects.filter(pk=renewed.pk).update(expires_on=expires + timedelta(days=365))
    assert after(days=26, hours=2) == ["license_ends"]
    assert Message.objects.get().object_id == ended.pk


def test_some_days_after_a_refund() -> None:
    order = make_order()
    refund = Refund.objects.create(order=order, store_refund_id="R-1", amount=10, refunded_at=PLACED)
    assert after(days=6) == []
    assert after(days=7) == ["refund_arrived"]
    assert "€10.00" in email_of("refund_arrived").body
    refund.delete()
    kind = kinds.get("refund_arrived")
    assert not kind.still_wanted(Message.objects.get())


def test_a_store_has_days_of_its_own_or_sends_none() -> None:
    late, silent = make_store(), make_store()
    FollowUpSchedule.objects.create(store=late, kind="serial_missing", days=3)
    FollowUpSchedule.objects.create(store=silent, kind="serial_missing", days=1, is_on=False)
    make_line(make_order(store=late, store_email="a@example.com"))
    make_line(make_order(store=silent, store_email="b@example.com"))
    assert after(days=2) == []
    assert after(days=3) == ["serial_missing"]


def test_it_goes_to_the_address_that_the_order_has_then() -> None:
    order = make_order()
    make_line(order)
    after(hours=10)
    Order.objects.filter(pk=order.pk).update(contact_email="other@example.com", email_key="other@example.com")
    assert after(hours=25) == ["serial_missing"]
    assert Message.objects.get().recipient == "other@example.com"


def test_an_order_that_has_no_address_any_more_gets_none() -> None:
    order = make_order()
    make_line(order)
    after(hours=10)
    Order.objects.filter(pk=order.pk).update(store_email="", email_key="")
    assert after(hours=25) == []


def output_of(*arguments: str) -> str:
    out = StringIO()
    call_command("send_followups", *arguments, stdout=out)
    return out.getvalue()


def test_the_dry_run_says_what_would_go_to_whom_and_why_and_writes_nothing() -> None:
    make_line(make_order())
    said = output_of("--dry-run", "--now", "2026-11-02T10:00")
    assert "Your serial number is late → b…@e….com" in said
    assert "buyer@example.com" not in said
    assert "1 would be sent" in said
    assert not FollowUp.objects.exists()
    assert not Message.objects.exists()


def test_the_command_sends_what_is_due_then() -> None:
    make_line(make_order())
    assert "1 sent" in output_of("--now", "2026-11-02T10:00")
    assert "0 sent" in output_of("--now", "2026-11-02T10:00")


@pytest.mark.parametrize("typed", ["soon", "2026-13-40T99:99"])
def test_an_invalid_time_ends_with_exit_status_2(typed: str) -> None:
    with pytest.raises(CommandError, match="isn’t a date and time") as error:
        output_of("--now", typed)
    assert error.value.returncode == 2


def test_a_license_without_an_order_does_not_stop_other_emails() -> None:
    expires = (PLACED + timedelta(days=20)).date()
    lost, kept = (
        make_license(make_line(make_order(store_email=email)), expires_on=expires, activated_at=PLACED)
        for email in ("a@example.com", "b@example.com")
    )
    after(days=5, hours=12)
    assert FollowUp.objects.planned().filter(kind="license_ends").count() == 2
    lost.licensed_lines.all().delete()
    assert "license_ends" in after(days=7)
    assert Message.objects.get(kind="license_ends").object_id == kept.pk


def test_a_store_whose_time_zone_is_unknown_stops_no_other_store() -> None:
    expires = (PLACED + timedelta(days=20)).date()
    broken = make_store(time_zone="Europe/Atlantis")
    for store, email in ((broken, "a@example.com"), (make_store(), "b@example.com")):
        product = make_product()
        make_release(product, released_at=PLACED - timedelta(days=9))
        line = make_line(make_order(store=store, store_email=email))
        make_license(line, product=product, expires_on=expires, activated_at=PLACED)
    for days in (7, 26):
        now = PLACED + timedelta(days=days)
        with time_machine.travel(now, tick=False):
            assert follow_ups.run(now).failures
    sent = Message.objects.order_by("pk").values_list("recipient", "kind")
    assert list(sent) == [("b@example.com", "license_ends"), ("b@example.com", "downloads_end")]
