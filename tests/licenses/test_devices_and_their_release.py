"""Devices of a license: listed, released by their owner, undone within ten minutes, limited per year."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from licenses.models import Device, DeviceRelease, LicensedLine
from licenses.services import devices
from licenses.services.devices import NotReleased
from notifications.models import Message
from orders.models import Order
from tests.factories import make_license, make_line, make_order, make_product
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


def make_device(order: Order, name: str = "Kitchen laptop", **fields: object) -> Device:
    line = LicensedLine.objects.filter(order=order).select_related("license").first()
    license = line.license if line else make_license(make_line(order), product=make_product())
    now = timezone.now()
    values = {"vendor_id": name, "name": name, "platform": "Windows 11", "activated_at": now, "last_seen_at": now}
    return Device.objects.create(license=license, **values | fields)


def test_devices_in_use_are_boxes_and_names() -> None:
    order = make_order()
    make_device(order)
    make_device(order, name="Phone")
    make_device(order, name="Gone", deactivated_at=timezone.now())
    browser = inside(order)
    page = browser.get(f"/orders/{order.public_id}/")
    assert (marks(page, "data-devices"), marks(page, "data-devices-used")) == (["3"], ["2"])
    assert page.content.decode().count('<i class="used">') == 2
    assert "2 of 3 devices" in text(page)
    listed = text(browser.get("/licenses/"))
    assert "Kitchen laptop" in listed
    assert "Phone" in listed
    assert "Gone" not in listed


def test_a_license_of_several_orders_is_listed_once_with_all_of_them() -> None:
    first = make_order()
    license = make_license(make_line(first))
    second = make_order(store=first.store, placed_at=first.placed_at + timedelta(days=1))
    LicensedLine.objects.create(line=make_line(second, kind="renewal"), order=second, license=license)
    browser = inside(second, inside(first))
    page = browser.get("/licenses/")
    assert marks(page, "data-serial") == [license.serial]
    assert first.number in text(page)
    assert second.number in text(page)


def test_the_page_of_all_licenses_asks_no_more_for_many(django_assert_max_num_queries) -> None:
    browser = Client()
    for _order in range(4):
        order = make_order()
        for number in range(3):
            make_device(order, name=f"Device {number}")
        inside(order, browser)
    with django_assert_max_num_queries(8):
        page = browser.get("/licenses/")
    assert len(marks(page, "data-device")) == 12


def test_a_device_is_released_after_a_confirmation_page() -> None:
    order = make_order()
    device = make_device(order)
    browser = inside(order)
    assert "stops working on this device" in text(browser.get(f"/licenses/devices/{device.pk}/release/"))
    assert not DeviceRelease.objects.exists()
    answer = browser.post(f"/licenses/devices/{device.pk}/release/")
    assert answer.headers["Location"] == "/licenses/"
    assert "You can undo this" in text(browser.get("/licenses/"))
    assert marks(browser.get(f"/orders/{order.public_id}/"), "data-devices-used") == ["0"]
    mail = Message.objects.get(kind="device_released")
    assert (mail.recipient, mail.order_id) == (order.email, order.pk)


def test_a_second_click_releases_nothing_more() -> None:
    order = make_order()
    device = make_device(order)
    browser = inside(order)
    for _click in range(3):
        browser.post(f"/licenses/devices/{device.pk}/release/")
    assert DeviceRelease.objects.count() == 1
    assert Message.objects.filter(kind="device_released").count() == 1


def test_it_can_be_undone_for_ten_minutes_to_the_second() -> None:
    order = make_order()
    device = make_device(order)
    now = timezone.now()
    devices.release(device, order, now)
    with pytest.raises(NotReleased):
        devices.undo(device, now + timedelta(minutes=10))
    devices.undo(device, now + timedelta(minutes=10) - timedelta(seconds=1))
    assert device.active_release() is None
    assert Message.objects.get(kind="device_released").status == Message.Status.CANCELLED
    devices.undo(device, now)  # a second click


def test_going_back_and_forth_ends_before_it_is_a_flood_of_email() -> None:
    order = make_order()
    device = make_device(order)
    now = timezone.now()
    for _round in range(devices.MAX_UNDONE_PER_DAY):
        devices.release(device, order, now)
        devices.undo(device, now)
    with pytest.raises(NotReleased):
        devices.release(device, order, now)
    assert devices.release(device, order, now + devices.DAY * 2).undone_at is None


def test_a_device_that_is_activated_again_holds_its_place_again() -> None:
    order = make_order()
    device = make_device(order)
    now = timezone.now()
    devices.release(device, order, now)
    Device.objects.filter(pk=device.pk).update(last_activated_at=now + timedelta(hours=1))
    assert marks(inside(order).get(f"/orders/{order.public_id}/"), "data-devices-used") == ["1"]
    devices.release(Device.objects.get(pk=device.pk), order, now + timedelta(hours=2))
    assert DeviceRelease.objects.count() == 2


def test_only_so_many_a_year() -> None:
    order = make_order()
    license = make_license(make_line(order), product=make_product(device_releases_a_year=2))
    now = timezone.now()
    for number in range(2):
        devices.release(make_device(order, name=f"Old {number}"), order, now - timedelta(days=364))
    third = make_device(order, name="Third")
    with pytest.raises(NotReleased):
        devices.release(third, order, now)
    browser = inside(order)
    assert "Contact support for help" in text(browser.get("/licenses/"))
    assert marks(browser.get("/licenses/"), "data-device") == [str(third.pk)]
    browser.post(f"/licenses/devices/{third.pk}/release/")
    assert DeviceRelease.objects.count() == 2
    devices.release(third, order, now + timedelta(days=2))
    assert license.devices_in_use.count() == 3


def test_a_device_out_of_use_is_not_released() -> None:
    order = make_order()
    device = make_device(order, deactivated_at=timezone.now())
    with pytest.raises(NotReleased):
        devices.release(device, order, timezone.now())


@pytest.mark.parametrize("way", ["release", "undo"])
def test_a_stranger_reaches_no_device(way: str) -> None:
    device = make_device(make_order())
    for browser in (Client(), inside(make_order())):
        for answer in (
            browser.post(f"/licenses/devices/{device.pk}/{way}/"),
            browser.post(f"/licenses/devices/{device.pk + 99}/{way}/"),
        ):
            assert answer.headers["Location"] == "/orders/find/?next=%2Flicenses%2F"
    assert not DeviceRelease.objects.exists()


def test_licenses_open_with_an_order_only_and_close_with_it() -> None:
    order = make_order()
    make_device(order)
    assert Client().get("/licenses/").headers["Location"] == "/orders/find/?next=%2Flicenses%2F"
    browser = inside(order)
    assert browser.get("/licenses/").status_code == 200
    browser.post("/orders/sign-out/")
    assert browser.get("/licenses/").status_code == 302


def test_while_a_code_is_awaited_no_serial_number_is_shown() -> None:
    order = make_order()
    order.store.confirm_card_lookup = "always"
    order.store.save()
    device = make_device(order)
    browser = Client()
    browser.post("/orders/find/card/", {"email": order.email, "card_last4": "4242"})
    assert browser.get("/licenses/").headers["Location"] == f"/orders/{order.public_id}/code/"
    browser.post(f"/licenses/devices/{device.pk}/release/")
    assert not DeviceRelease.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_pass_the_allowance() -> None:
    order = make_order()
    make_license(make_line(order), product=make_product(device_releases_a_year=3))
    waiting = [make_device(order, name=f"Device {number}") for number in range(8)]

    def release(device: Device) -> bool:
        try:
            devices.release(device, order, timezone.now())
        except NotReleased:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(release, waiting)) == 3
    assert DeviceRelease.objects.count() == 3


def test_the_email_says_which_device_and_when(settings) -> None:
    order = make_order()
    device = make_device(order)
    released = devices.release(device, order, datetime(2026, 11, 5, 12, 0, tzinfo=timezone.get_default_timezone()))
    assert released.device_id == device.pk
    assert Message.objects.get(kind="device_released").object_id == released.pk
