"""Serial numbers on the order page: complete, with devices and end date. A missing one says what happens next."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from licenses.models import LicensedLine
from licenses.serial_panel import load_serials, orders_with_serial
from orders.models import Order, load_items
from tests.factories import make_license, make_line, make_order
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


def page(order: Order):
    return inside(order).get(f"/orders/{order.public_id}/")


def test_serial_number_devices_and_end_are_shown() -> None:
    order = make_order()
    make_license(make_line(order), serial="XAAB-1234-5678-9012-3456", devices=3, expires_on=date(2099, 11, 1))
    answer = page(order)
    assert marks(answer, "data-serial") == ["XAAB-1234-5678-9012-3456"]
    assert marks(answer, "data-devices") == ["3"]
    assert "Covers 3 devices" in text(answer)
    assert "Valid until 1 November 2099." in text(answer)


def test_many_devices_are_a_number_and_not_a_wall_of_boxes() -> None:
    order = make_order()
    make_license(make_line(order), devices=5000)
    answer = page(order)
    assert "Covers 5000 devices" in text(answer).replace(",", "")
    assert answer.content.decode().count("<i>") == 0


def test_a_renewal_says_that_the_number_carries_on() -> None:
    order = make_order()
    earlier = make_license(make_line(make_order()), serial="XAAB-1", expires_on=date(2099, 1, 1))
    line = make_line(order, kind="renewal", extends_serial="XAAB-1")
    LicensedLine.objects.create(line=line, order=order, license=earlier)
    answer = page(order)
    assert marks(answer, "data-serial") == ["XAAB-1"]
    assert "you keep this serial number" in text(answer)
    assert "not here yet" not in text(answer)


def test_a_renewal_of_an_unknown_license_shows_the_number_from_the_store() -> None:
    order = make_order()
    make_line(order, kind="renewal", extends_serial="XAAB-OLD")
    assert marks(page(order), "data-serial") == ["XAAB-OLD"]


@pytest.mark.parametrize(
    ("age", "status", "said"),
    [
        (timedelta(hours=1), "completed", "within 3 hours"),
        (timedelta(hours=25), "completed", "Contact support with your order number and a copy of the order"),
        (timedelta(hours=1), "pending", "once your payment is confirmed"),
    ],
)
def test_a_missing_number_says_what_happens_next(age: timedelta, status: str, said: str) -> None:
    order = make_order(placed_at=timezone.now() - age, status=status)
    make_line(order)
    assert said in text(page(order))


@pytest.mark.parametrize("status", ["cancelled", "refunded", "charged_back"])
def test_an_order_that_was_undone_misses_nothing(status: str) -> None:
    order = make_order(status=status)
    make_line(order)
    assert "not here yet" not in text(page(order))


def test_services_and_other_items_need_no_number() -> None:
    order = make_order()
    make_line(order, kind="extended_download")
    make_line(order, kind="other")
    assert load_serials([order]) == {}


def test_revoked_and_ended_licenses_say_so() -> None:
    order = make_order()
    make_license(make_line(order), revoked_at=datetime(2026, 1, 1, tzinfo=UTC))
    make_license(make_line(order), expires_on=date(2020, 1, 1))
    said = text(page(order))
    assert "No longer valid" in said
    assert "Expired on 1 January 2020." in said


def test_all_orders_are_loaded_with_one_query_once_their_items_are_there(django_assert_num_queries) -> None:
    orders = [make_order() for _order in range(5)]
    for order in orders:
        make_license(make_line(order))
        make_line(order)
    with django_assert_num_queries(1):
        load_items(orders)
    with django_assert_num_queries(1):
        shown = load_serials(orders)
    assert {len(serials.licenses) for serials in shown.values()} == {1}


def test_staff_find_orders_by_the_beginning_of_a_serial_number() -> None:
    order = make_order()
    make_license(make_line(order), serial="XAAB-1234-5678")
    assert list(orders_with_serial("xaab 1234")) == [order.pk]
    assert not orders_with_serial("--").exists()
