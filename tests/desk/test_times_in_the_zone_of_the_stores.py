"""Staff see times in the zone of the stores, with its name."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from orders.models import Order
from refunds.models import Return
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_order, make_reason, make_store
from tests.pages import text

pytestmark = pytest.mark.django_db

ORDERS = "/admin/orders/order/"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def make_order_at(zone: str, **fields: Any) -> Order:
    return make_order(store=make_store(time_zone=zone), placed_at=NOON, **fields)


def request_of(order: Order) -> Return:
    return Return.objects.create(
        order=order, reason=make_reason(), currency="EUR", amount=1, status="received", created_at=NOON, due_at=NOON
    )


def test_lists_use_the_zone_that_all_stores_share() -> None:
    request_of(make_order_at("Europe/Berlin"))
    make_order_at("Europe/Berlin")
    assert "2026-11-20 13:00 CET" in text(signed_in(make_agent()).get("/admin/refunds/return/"))


def test_lists_use_utc_if_the_stores_have_different_zones() -> None:
    request_of(make_order_at("Europe/Berlin"))
    make_order_at("America/New_York")
    assert "2026-11-20 12:00 UTC" in text(signed_in(make_agent()).get("/admin/refunds/return/"))


def test_a_setting_names_the_zone_of_lists(settings: Any) -> None:
    settings.STAFF_TIME_ZONE = "Asia/Tokyo"
    request_of(make_order_at("Europe/Berlin"))
    assert "2026-11-20 21:00 JST" in text(signed_in(make_agent()).get("/admin/refunds/return/"))


def test_the_page_of_a_case_uses_the_zone_of_its_store() -> None:
    case = request_of(make_order_at("America/New_York"))
    make_order_at("Europe/Berlin")
    page = text(signed_in(make_agent()).get(f"/admin/refunds/return/{case.pk}/change/"))
    assert page.count("2026-11-20 07:00 EST") >= 3  # received, reply due, and placed on
    assert "UTC" not in page


def test_the_zone_ends_with_the_request() -> None:
    case = request_of(make_order_at("America/New_York"))
    signed_in(make_agent()).get(f"/admin/refunds/return/{case.pk}/change/")
    assert timezone.get_current_timezone_name() == "UTC"
