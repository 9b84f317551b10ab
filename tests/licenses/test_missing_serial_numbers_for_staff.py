"""The admin: lines without a serial number, with their waiting time, and a page to assign one; licenses with their
details.
"""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from licenses.models import Device, DeviceRelease, License, LicensedLine, LineWithoutSerial
from notifications.models import Message
from orders.models import Order, OrderLine
from tests.factories import make_agent, make_license, make_line, make_order
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db

LIST = "/admin/licenses/linewithoutserial/"


@pytest.fixture
def desk() -> Client:
    return signed_in(make_agent(username="ada"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def with_rights(*names: str) -> Client:
    user = make_agent(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return signed_in(user)


def placed(hours_ago: float, **fields: object) -> Order:
    return make_order(placed_at=timezone.now() - timedelta(hours=hours_ago), **fields)


def page_of(line: OrderLine) -> str:
    return f"{LIST}{line.pk}/change/"


def assign_and_notify(desk: Client, line: OrderLine, **typed: str) -> str:
    return text(desk.post(f"{LIST}{line.pk}/assign/", typed, follow=True))


def test_which_lines_are_missing_a_serial_number() -> None:
    order = placed(30)
    bare = [
        make_line(order, kind=kind) for kind in (OrderLine.Kind.NEW, OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)
    ]
    bare.append(make_line(placed(1, status="pending")))
    bare.append(make_line(placed(1, status="partially_refunded"), quantity=2, quantity_returned=1))
    make_license(make_line(order))
    make_line(order, kind=OrderLine.Kind.EXTENDED_DOWNLOAD)
    make_line(order, kind=OrderLine.Kind.OTHER)
    make_line(order, quantity_returned=1)
    make_line(order, kind=OrderLine.Kind.RENEWAL, extends_serial="XAAB-0001")
    for status in ("cancelled", "refunded", "charged_back"):
        make_line(placed(30, status=status))
    assert set(LineWithoutSerial.lines.missing().values_list("pk", flat=True)) == {line.pk for line in bare}


def test_the_list_is_by_age_with_what_is_due(desk: Client) -> None:
    make_line(placed(30, number="A-30"))
    make_line(placed(24 * 10, number="A-240"))
    make_line(placed(5, number="A-5"))
    make_line(placed(1, number="A-1"))
    make_line(placed(24 * 200, number="A-4800"))
    page = text(desk.get(LIST))
    assert [number for number in ("A-240", "A-30", "A-5") if number in page] == ["A-240", "A-30", "A-5"]
    assert page.index("A-240") < page.index("A-30") < page.index("A-5")
    assert "A-1 " not in page  # stores export serial numbers a little later
    assert "A-4800" not in page
    assert page.count(" !") == 2  # overdue
    assert "A-5" not in text(desk.get(LIST, {"waits": "24"}))
    assert "A-1 " in text(desk.get(LIST, {"waits": "0"}))
    assert "A-4800" in text(desk.get(LIST, {"within": "365"}))
    assert "A-4800" in text(desk.get(LIST, {"within": "0", "waits": "nonsense"}))


def test_the_list_can_be_searched_and_narrowed_to_a_store(desk: Client) -> None:
    first, second = (
        make_line(placed(30, number="A-1")),
        make_line(placed(30, number="B-2", store_email="eve@example.com")),
    )
    assert "B-2" not in text(desk.get(LIST, {"q": "#a-1"}))
    assert "A-1" not in text(desk.get(LIST, {"q": "EVE@example.com"}))
    store = {"order__store__id__exact": str(second.order.store_id)}
    page = text(desk.get(LIST, store))
    assert "B-2" in page
    assert first.order.number not in page
    assert desk.get(LIST, {"q": "\x00"}).status_code == 200


def test_a_payment_that_is_not_confirmed_is_not_due(desk: Client) -> None:
    make_line(placed(30, status="pending"))
    page = text(desk.get(LIST))
    assert "after the payment is confirmed" in page
    assert " !" not in page


def test_the_list_asks_as_much_for_one_as_for_many(desk: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(LIST).status_code == 200
        return len(asked)

    make_line(placed(30))
    few = count()
    for _number in range(20):
        make_line(placed(30))
    assert count() <= few + 1  # the filter of stores appears with the second


def test_assigning_one_shows_it_to_the_buyer_and_is_on_record(desk: Client) -> None:
    line = make_line(placed(30))
    page = assign_and_notify(desk, line, serial="xaab-0001", devices="3", expires_on="2027-11-01")
    assert "Assigned the serial number xaab-0001." in page
    assert marks(inside(line.order).get(f"/orders/{line.order.public_id}/"), "data-serial")[:1] == ["xaab-0001"]
    assert Message.objects.filter(kind="serial_arrived", order_id=line.order_id).count() == 1
    entries = LogEntry.objects.filter(user__username="ada")
    assert {entry.content_type.model for entry in entries} == {"linewithoutserial", "order", "license"}
    assert all("xaab-0001" in entry.get_change_message() for entry in entries)
    assert line.order.number not in text(desk.get(LIST))
    assert marks(desk.get(page_of(line)), "data-serial") == ["xaab-0001"]


def test_staff_are_warned_if_the_order_has_no_address(desk: Client) -> None:
    assert "The order has no email address, so no email was sent." in assign_and_notify(
        desk, make_line(placed(30, store_email="")), serial="XAAB-0001"
    )
    assert not Message.objects.exists()


def test_an_error_keeps_the_input(desk: Client) -> None:
    make_license(make_line(make_order()), "XAAB-0001")
    line = make_line(placed(30))
    answer = desk.post(f"{LIST}{line.pk}/assign/", {"serial": "XAAB-0001", "devices": "3"})
    assert answer.status_code == 200
    assert "This serial number already belongs to another order." in text(answer)
    assert 'value="XAAB-0001"' in answer.content.decode()
    for typed in ({}, {"serial": "X", "devices": "0"}, {"serial": "X", "expires_on": "yesterday"}, {"serial": "\x00"}):
        assert desk.post(f"{LIST}{line.pk}/assign/", typed).status_code == 200
    assert not LicensedLine.objects.filter(line=line).exists()
    assert not LogEntry.objects.exists()


def test_a_second_click_is_refused(desk: Client) -> None:
    line = make_line(placed(30))
    assign_and_notify(desk, line, serial="XAAB-0001")
    assert "This item already has a serial number." in assign_and_notify(desk, line, serial="XAAB-0001")
    assert Message.objects.filter(kind="serial_arrived").count() == 1


def test_the_earlier_orders_address_is_asked_for_renewals_only(desk: Client) -> None:
    make_license(make_line(make_order(store_email="old@example.com")), "XAAB-0001")
    line = make_line(placed(30), kind=OrderLine.Kind.RENEWAL)
    assert "another address" in assign_and_notify(desk, line, serial="XAAB-0001")
    assert "Assigned" in assign_and_notify(desk, line, serial="XAAB-0001", same_buyer="on")
    fresh = make_line(placed(30))
    assert "This serial number already belongs to another order." in assign_and_notify(
        desk, fresh, serial="XAAB-0001", same_buyer="on"
    )


def test_only_serial_numbers_assigned_by_staff_can_be_unassigned(desk: Client) -> None:
    line = make_line(placed(30), quantity=2)
    assign_and_notify(desk, line, serial="XAAB-0001")
    store = make_license(line).licensed_lines.get()
    staff = line.licensed_lines.get(origin="staff")
    page = desk.get(f"{LIST}{line.pk}/change/").content.decode()
    assert f"/unassign/{staff.pk}/" in page
    assert f"/unassign/{store.pk}/" not in page
    assert "You can only remove serial numbers that staff assigned." in text(
        desk.post(f"{LIST}{line.pk}/unassign/{store.pk}/", follow=True)
    )
    assert "Removed the serial number XAAB-0001." in text(
        desk.post(f"{LIST}{line.pk}/unassign/{staff.pk}/", follow=True)
    )
    assert list(line.licensed_lines.all()) == [store]
    assert desk.post(f"{LIST}{line.pk}/unassign/{staff.pk}/").status_code == 302


def test_the_view_permission_changes_nothing() -> None:
    line = make_line(placed(30))
    auditor = with_rights("view_linewithoutserial")
    assert auditor.get(LIST).status_code == 200
    page = auditor.get(page_of(line))
    assert page.status_code == 200
    assert "/assign/" not in page.content.decode()
    assert auditor.post(f"{LIST}{line.pk}/assign/", {"serial": "XAAB-0001"}).status_code == 403
    link = make_license(line).licensed_lines.get()
    assert auditor.post(f"{LIST}{line.pk}/unassign/{link.pk}/").status_code == 403
    stranger = with_rights()
    assert stranger.get(LIST).status_code == 403
    assert stranger.post(f"{LIST}{line.pk}/assign/", {"serial": "XAAB-0001"}).status_code == 403
    assert Client().post(f"{LIST}{line.pk}/assign/", {"serial": "XAAB-0001"}).status_code == 302
    assert License.objects.count() == 1


def test_an_agent_may_assign_one() -> None:
    line = make_line(placed(30))
    agent = with_rights("view_linewithoutserial", "change_linewithoutserial")
    assert "Assigned" in assign_and_notify(agent, line, serial="XAAB-0001")


def test_nothing_is_given_by_a_link_or_to_a_line_that_is_not_there(desk: Client) -> None:
    line = make_line(placed(30))
    assert desk.get(f"{LIST}{line.pk}/assign/", {"serial": "XAAB-0001"}).status_code == 302
    assert desk.post(f"{LIST}{line.pk + 1000}/assign/", {"serial": "XAAB-0001"}).status_code == 404
    assert Client(enforce_csrf_checks=True).post(f"{LIST}{line.pk}/assign/").status_code in (302, 403)
    assert not License.objects.exists()


# --- Licenses -----------------------------------------------------------------------------------------------


def test_a_license_is_found_however_its_number_is_written(desk: Client) -> None:
    make_license(make_line(make_order()), "XAAB-0001-0002")
    make_license(make_line(make_order()), "PAAB-0001-0002")
    for typed in ("XAAB-0001-0002", "xaab 0001 0002", "xaab–00"):
        page = text(desk.get("/admin/licenses/license/", {"q": typed}))
        assert "XAAB-0001-0002" in page
        assert "PAAB" not in page
    assert "XAAB-0001" not in text(desk.get("/admin/licenses/license/", {"q": "---"}))


def test_a_license_shows_its_orders_and_devices_and_keeps_what_its_orders_say(desk: Client) -> None:
    order = make_order(number="A-1001")
    license = make_license(make_line(order))
    now = timezone.now()
    for number in range(3):
        device = Device.objects.create(
            license=license, vendor_id=f"d-{number}", name=f"Laptop {number}", activated_at=now, last_seen_at=now
        )
    DeviceRelease.objects.create(device=device, requested_at=now - timedelta(days=1))
    url = f"/admin/licenses/license/{license.pk}/change/"
    page = desk.get(url)
    assert f"/admin/orders/order/{order.pk}/change/" in page.content.decode()
    assert "A-1001" in text(page)
    assert all(f"Laptop {number}" in text(page) for number in range(3))
    desk.post(url, {"serial": "CHANGED", "devices": "99"})
    license.refresh_from_db()
    assert (license.serial.startswith("XAAB"), license.devices) == (True, 3)
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    for number in range(3, 20):
        Device.objects.create(license=license, vendor_id=f"d-{number}", activated_at=now, last_seen_at=now)
        LicensedLine.objects.create(line=make_line(order), order=order, license=license)
    with CaptureQueriesContext(connection) as many:
        desk.get(url)
    assert len(many) <= len(few)
