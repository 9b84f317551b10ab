"""A serial number that is no longer part of an order is shown as ended, with the reason, and without its devices."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from licenses.download_links import download_path
from licenses.models import Device, Download, License, LicensedLine
from orders.models import Order
from tests.factories import make_license, make_line, make_order, make_product, make_release
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order()


@pytest.fixture
def license(order: Order) -> License:
    license = make_license(make_line(order), product=make_product(), expires_on=date(2027, 11, 1))
    now = timezone.now()
    Device.objects.create(license=license, vendor_id="d", name="Kitchen laptop", activated_at=now, last_seen_at=now)
    return license


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("refunded", "This order was refunded"),
        ("charged_back", "Your bank reversed the payment"),
        ("cancelled", "This order was canceled"),
    ],
)
def test_a_closed_order_shows_its_serial_number_as_ended(
    order: Order, license: License, status: str, reason: str
) -> None:
    Order.objects.update(status=status)
    browser = inside(order)
    page = browser.get(f"/orders/{order.public_id}/")
    assert marks(page, "data-serial") == [license.serial]
    assert marks(page, "data-ended") == [status]
    assert f"No longer valid {reason}" in text(page)
    assert "Valid until" not in text(page)
    assert marks(page, "data-devices") == []


def test_a_returned_and_a_swapped_serial_number_say_so(order: Order, license: License) -> None:
    line = make_line(order, quantity_returned=1)
    make_license(line)
    LicensedLine.objects.filter(license=license).update(unit_end="swapped")
    assert marks(inside(order).get(f"/orders/{order.public_id}/"), "data-ended") == ["swapped", "returned"]


@pytest.mark.parametrize("ended", [{"status": "refunded"}, {"status": "charged_back"}])
def test_who_returned_a_number_never_sees_the_devices_of_its_next_owner(
    order: Order, license: License, ended: dict[str, str]
) -> None:
    Order.objects.filter(pk=order.pk).update(**ended)
    other = make_order(store_email="other@example.com", placed_at=order.placed_at + timedelta(days=9))
    LicensedLine.objects.create(line=make_line(other), order=other, license=license)
    device = Device.objects.get()
    former, owner = inside(order), inside(other)
    assert "Kitchen laptop" not in text(former.get("/licenses/"))
    assert marks(former.get(f"/orders/{order.public_id}/"), "data-devices-used") == []
    assert former.get(f"/licenses/devices/{device.pk}/release/").status_code == 302
    assert "Kitchen laptop" in text(owner.get("/licenses/"))
    assert owner.get(f"/licenses/devices/{device.pk}/release/").status_code == 200


def test_who_returned_only_a_renewal_still_sees_the_devices(order: Order, license: License) -> None:
    renewal = make_order(status="refunded", placed_at=order.placed_at + timedelta(days=9))
    LicensedLine.objects.create(line=make_line(renewal, kind="renewal"), order=renewal, license=license)
    page = inside(renewal, inside(order)).get("/licenses/")
    assert "Kitchen laptop" in text(page)
    assert marks(page, "data-ended") == []


def test_a_download_link_ends_with_its_order(order: Order, license: License) -> None:
    assert license.product is not None
    issued = Download.objects.create(release=make_release(license.product), order=order)
    browser = inside(order)
    assert browser.get(download_path(issued)).status_code == 200
    Order.objects.update(status="charged_back")
    refused = browser.get(download_path(issued))
    assert refused.status_code == 403
    assert "Your bank reversed the payment" in text(refused)
