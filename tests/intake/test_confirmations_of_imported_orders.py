"""The confirmation of an order that gets its address later, and emails about serial numbers that
were never exported.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from notifications import follow_ups
from notifications.models import FollowUp, Message
from tests.intake.exports import Importer, portal_order, shopify_row, the_order

pytestmark = pytest.mark.django_db

PLACED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _soon_after_the_purchase() -> Iterator[None]:
    with time_machine.travel(PLACED + timedelta(hours=1), tick=False):
        yield


def confirmations() -> list[str]:
    return list(Message.objects.filter(kind="order_confirmation").values_list("recipient", flat=True))


def test_an_order_that_gets_its_address_later_is_confirmed_then(importer: Importer) -> None:
    importer.shopify(shopify_row(Email=""))
    assert confirmations() == []
    importer.shopify(shopify_row())
    assert confirmations() == ["ann@example.com"]


def test_not_if_the_order_is_too_old_by_then(importer: Importer) -> None:
    importer.orders(portal_order(email=None))
    with time_machine.travel(PLACED + timedelta(days=5), tick=False):
        importer.orders(portal_order())
    assert confirmations() == []


def test_an_address_that_changes_is_not_confirmed_twice(importer: Importer) -> None:
    importer.shopify(shopify_row(Email="anm@example.com"))
    importer.shopify(shopify_row())
    assert len(confirmations()) == 1


def late_serials() -> int:
    now = PLACED + timedelta(hours=25)
    with time_machine.travel(now, tick=False):
        follow_ups.run(now)
    return FollowUp.objects.filter(kind="serial_missing", status=FollowUp.Status.SENT).count()


def test_no_serial_number_is_late_if_a_store_never_exports_them(importer: Importer) -> None:
    importer.shopify(shopify_row())
    assert late_serials() == 0


def test_a_serial_number_is_late_where_the_item_had_one_before(importer: Importer) -> None:
    earlier = portal_order(store="shop", number="EARLIER", placed_at="2026-10-01T10:00:00Z")
    importer.orders(earlier)
    importer.shopify(shopify_row(Lineitem_sku=earlier["lines"][0]["sku"]), shopify_row(Name="#2", Lineitem_sku="OTHER"))
    assert late_serials() == 1
    assert FollowUp.objects.get(kind="serial_missing").order_id == the_order("#1001").pk


def test_a_serial_number_is_late_in_the_portals_own_format(importer: Importer) -> None:
    importer.orders(portal_order(lines=[{"id": "1", "sku": "X", "name": "Maximum Security", "total": "9.99"}]))
    assert late_serials() == 1
