"""Staff act on an order from its page: emails, devices, downloads. Each action asks for its own permission."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from desk.order_actions import ACTIONS
from licenses.models import Device, DeviceRelease, DownloadExtension
from licenses.offers import order_offers
from licenses.services import devices
from notifications.models import Message
from orders.models import Order
from orders.services.confirmations import resend_confirmation
from tests.desk.staff import staff_with, staff_with_role
from tests.factories import make_license, make_line, make_order, make_product, make_release
from tests.pages import text

pytestmark = pytest.mark.django_db

Status = Message.Status


@pytest.fixture
def agent() -> Client:
    return staff_with_role("agent")


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now() - timedelta(days=100))


def act(browser: Client, order: Order, action: str, **entered: object):
    return browser.post(f"/admin/orders/order/{order.pk}/action/", {"action": action, **entered}, follow=True)


def make_device(order: Order) -> Device:
    license = make_license(make_line(order), "XAAB-1234-5678-9012-3456")
    now = timezone.now()
    return Device.objects.create(license=license, vendor_id="d1", name="Kitchen", activated_at=now, last_seen_at=now)


# --- Emails -----------------------------------------------------------------------------------------------------------


def test_the_confirmation_is_sent_again_to_the_current_address(agent: Client, order: Order) -> None:
    assert "Confirmation sent to buyer@example.com" in text(act(agent, order, "confirmation"))
    assert Message.objects.get().kind == "order_confirmation"
    assert LogEntry.objects.get().get_change_message() == "Confirmation sent to buyer@example.com."


def test_without_an_address_nothing_is_sent_and_the_page_says_why(agent: Client) -> None:
    order = make_order(store_email="")
    for action in ("confirmation", "link"):
        assert "no email address" in text(act(agent, order, action))
    assert not Message.objects.exists()


def test_an_access_link_goes_to_the_address_of_the_order_up_to_a_limit(agent: Client, order: Order) -> None:
    for _number in range(5):
        act(agent, order, "link")
    assert set(Message.objects.values_list("kind", "recipient")) == {("access_link", "buyer@example.com")}
    assert Message.objects.count() == 5
    assert "several times within the last hour" in text(act(agent, order, "link"))
    assert Message.objects.count() == 5


def test_a_bounced_email_is_sent_again_as_the_same_row_with_another_message_id(agent: Client, order: Order) -> None:
    resend_confirmation(order)
    message = Message.objects.get()
    Message.objects.update(status=Status.BOUNCED, bounced_at=timezone.now(), attempts=1)
    act(agent, order, "repeat", row=message.pk)
    again = Message.objects.get()
    assert (again.status, again.bounced_at, again.attempts) == (Status.WAITING, None, 0)
    assert again.message_id != message.message_id


def test_a_sent_email_is_sent_again_at_most_three_times_an_hour(agent: Client, order: Order) -> None:
    resend_confirmation(order)
    first = Message.objects.get()
    for _number in range(5):
        Message.objects.update(status=Status.SENT, sent_at=timezone.now())
        answer = act(agent, order, "repeat", row=first.pk)
    assert "several times within the last hour" in text(answer)
    assert Message.objects.count() <= 4


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("access_link", Status.SENT, "can’t be sent twice"),
        ("license_ends", Status.SENT, "can’t be sent twice"),
        ("thread_answered", Status.SENT, "can’t be sent twice"),
        ("of_an_earlier_version", Status.SENT, "can’t be sent twice"),
        ("order_confirmation", Status.CANCELLED, "no longer needed"),
    ],
)
def test_an_email_that_cannot_be_repeated_says_why(
    agent: Client, order: Order, kind: str, status: str, says: str
) -> None:
    message = Message.objects.create(
        kind=kind, object_id=order.pk, recipient="buyer@example.com", order_id=order.pk, status=status
    )
    assert says in text(act(agent, order, "repeat", row=message.pk))
    assert Message.objects.count() == 1


def test_only_emails_of_the_same_order_can_be_repeated(agent: Client, order: Order) -> None:
    other = make_order(store_email="other@example.com")
    resend_confirmation(other)
    Message.objects.update(status=Status.FAILED)
    message = Message.objects.get()
    for row in (message.pk, "", "x", "\x00", "9" * 30, -1):
        assert act(agent, order, "repeat", row=row).status_code == 200
    assert Message.objects.get().status == Status.FAILED


# --- Devices and downloads --------------------------------------------------------------------------------------------


def test_staff_release_a_device_even_if_the_buyers_limit_is_used_up(agent: Client, order: Order) -> None:
    device = make_device(order)
    now = timezone.now()
    for number in range(devices.DEFAULT_RELEASES_PER_YEAR):
        other = Device.objects.create(
            license=device.license, vendor_id=f"x{number}", activated_at=now, last_seen_at=now
        )
        devices.release(other, order, now)
    with pytest.raises(devices.NotReleased):
        devices.release(device, order, now)
    assert "Device released: Kitchen" in text(act(agent, order, "release", row=device.pk))
    assert DeviceRelease.objects.filter(device=device).count() == 1
    act(agent, order, "release", row=device.pk)  # a second click
    assert DeviceRelease.objects.filter(device=device).count() == 1
    assert Message.objects.filter(kind="device_released").count() == devices.DEFAULT_RELEASES_PER_YEAR + 1


def test_a_device_of_another_order_is_not_released(agent: Client, order: Order) -> None:
    device = make_device(make_order(number="B-2"))
    act(agent, order, "release", row=device.pk)
    assert not DeviceRelease.objects.exists()


def test_downloads_are_extended_until_a_day(agent: Client, order: Order) -> None:
    product = make_product()
    make_release(product, released_at=order.placed_at)
    make_license(make_line(order), product=product)
    assert not order_offers(order, timezone.now())[0].entitlement.is_open
    day = (timezone.now() + timedelta(days=20)).date()
    act(agent, order, "extend", last_day=day.isoformat())
    [offer] = order_offers(Order.objects.get(), timezone.now())
    assert offer.entitlement.is_open
    assert offer.entitlement.last_day == day
    assert "Extended until" in text(agent.get(f"/admin/orders/order/{order.pk}/change/?tab=items"))
    assert "already done" in text(act(agent, order, "extend", last_day=day.isoformat()))
    assert DownloadExtension.objects.count() == 1


def test_an_extension_never_shortens_the_period_of_the_order(agent: Client) -> None:
    order = make_order(placed_at=timezone.now())
    product = make_product()
    make_release(product, released_at=order.placed_at)
    make_license(make_line(order), product=product)
    today = timezone.now().astimezone(order.store.tzinfo).date()
    act(agent, order, "extend", last_day=today.isoformat())
    [offer] = order_offers(Order.objects.get(), timezone.now())
    assert offer.entitlement.last_day == today + timedelta(days=30)


@pytest.mark.parametrize("typed", ["", "soon", "2026-02-30", "2000-01-01", date(9999, 12, 31).isoformat(), "\x00"])
def test_a_day_that_cannot_be_is_an_error_on_the_form(agent: Client, order: Order, typed: str) -> None:
    answer = act(agent, order, "extend", last_day=typed)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not DownloadExtension.objects.exists()


# --- Permissions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_refused_without_its_permission(order: Order, name: str) -> None:
    others = {action.permission for action in ACTIONS.values()} - {ACTIONS[name].permission}
    browser = staff_with("orders.view_order", *others)
    assert act(browser, order, name).status_code == 403
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("role", ["finance", "auditor", "editor"])
def test_other_roles_can_do_nothing(order: Order, role: str) -> None:
    for name in ACTIONS:
        assert act(staff_with_role(role), order, name).status_code == 403


def test_without_the_order_nothing_can_be_done_with_it(order: Order) -> None:
    assert act(staff_with("notifications.change_message"), order, "confirmation").status_code == 403


@pytest.mark.parametrize("name", ["", "nothing", "\x00", "x" * 5000])
def test_an_unknown_action_leads_back_to_the_page(agent: Client, order: Order, name: str) -> None:
    assert act(agent, order, name).redirect_chain[-1][0].endswith(f"/order/{order.pk}/change/")
