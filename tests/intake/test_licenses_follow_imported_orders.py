"""Imported orders, refunds and lines determine the validity of serial numbers."""

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest

from licenses.models import License, Product, Sku
from orders.models import Store
from refunds.models import ReturnPolicy
from tests.factories import make_product
from tests.intake.exports import Importer, portal_order

pytestmark = pytest.mark.django_db

SERIAL = "XAAB-1234-5678"


@pytest.fixture(autouse=True)
def store() -> Store:
    """A store whose refunds end licenses."""
    store = Store.objects.create(slug="acme-eu", name="Acme")
    ReturnPolicy.objects.create(store=store, revokes_serials=True, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    return store


def original(**changes: Any) -> dict[str, Any]:
    return portal_order(lines=portal_order()["lines"][:1]) | changes


def renewal(**changes: Any) -> dict[str, Any]:
    return extension("renewal", {"expires_on": "2028-11-01"}) | changes


def extension(kind: str, license: dict[str, Any]) -> dict[str, Any]:
    line = {"id": "1", "sku": kind, "name": kind, "kind": kind, "extends": SERIAL, "total": "50.00"}
    lines = [line | {"licenses": [{"serial": SERIAL, **license}]}]
    return portal_order(number="A-2", placed_at="2026-11-10T10:00:00+01:00", lines=lines)


def worth() -> tuple[bool, date | None]:
    license = License.objects.get(serial=SERIAL)
    return license.revoked_at is None, license.expires_on


@pytest.mark.parametrize("status", ["refunded", "charged_back", "cancelled"])
def test_a_closed_order_ends_its_license(importer: Importer, status: str) -> None:
    importer.orders(original())
    assert worth() == (True, date(2027, 11, 1))
    importer.orders(original(status=status))
    assert worth() == (False, date(2027, 11, 1))


def test_a_license_that_arrives_with_a_refunded_order_is_revoked(importer: Importer) -> None:
    importer.orders(original(status="refunded"))
    assert worth() == (False, date(2027, 11, 1))


def test_a_stores_refund_of_all_units_ends_the_license_without_a_case(importer: Importer) -> None:
    importer.orders(original())
    refund = {"id": "R", "amount": "79.95", "at": "2026-11-05T09:00:00+01:00", "lines": [{"id": "1", "quantity": 1}]}
    importer.orders(original(status="partially_refunded", refunds=[refund]))
    assert worth()[0] is False


def test_a_store_that_lets_numbers_live_on_revokes_none(importer: Importer) -> None:
    ReturnPolicy.objects.update(revokes_serials=False)
    importer.orders(original())
    importer.orders(original(status="refunded"))
    assert worth()[0] is True


@pytest.mark.parametrize("sequence", list(permutations(range(3))))
def test_a_refunded_renewal_removes_its_time_in_any_order_of_arrival(
    importer: Importer, sequence: tuple[int, ...]
) -> None:
    """Also if its end date is exported later than its order, or it arrives before its original."""
    without_date = renewal(updated_at="2026-11-10T12:00:00Z")
    without_date["lines"][0]["licenses"] = [{"serial": SERIAL}]
    steps = [original(), without_date, renewal(updated_at="2026-11-11T12:00:00Z")]
    for step in sequence:
        importer.orders(steps[step])
    assert worth() == (True, date(2028, 11, 1))
    importer.orders(renewal(updated_at="2026-11-12T12:00:00Z", status="refunded"))
    assert worth() == (True, date(2027, 11, 1))
    importer.orders(original(status="refunded"))
    assert worth()[0] is False
    importer.orders(renewal(updated_at="2026-11-13T12:00:00Z", status="completed"))
    assert worth() == (True, date(2026, 11, 10) + (date(2028, 11, 1) - date(2027, 11, 1)))


def test_a_refunded_upgrade_falls_back_to_the_first_product_and_devices(importer: Importer, store: Store) -> None:
    plain, better = make_product(), make_product()
    for code, product in [("MAX-3D-1Y", plain), ("upgrade", better)]:
        Sku.objects.create(store=store, code=code, product=product)
    importer.orders(original(), extension("upgrade", {"devices": 10}))
    assert _product_and_devices() == (better, 10)
    importer.orders(extension("upgrade", {"devices": 10}) | {"status": "refunded"})
    assert _product_and_devices() == (plain, 3)


def _product_and_devices() -> tuple[Product | None, int | None]:
    license = License.objects.get(serial=SERIAL)
    return license.product, license.devices


def test_a_number_that_a_line_no_longer_has_loses_what_the_line_said(importer: Importer) -> None:
    importer.orders(original(), renewal())
    other = renewal()
    other["lines"][0] |= {"extends": "XAAB-9", "licenses": [{"serial": "XAAB-9", "expires_on": "2028-11-01"}]}
    importer.orders(other)
    assert worth() == (True, date(2027, 11, 1))


def test_a_license_whose_end_comes_before_its_start_is_rejected_also_later(importer: Importer) -> None:
    importer.orders(original())
    wrong = original()
    wrong["lines"][0]["licenses"][0] = {"serial": SERIAL, "expires_on": "2026-01-01"}
    result = importer.orders(wrong)
    assert "A license ends before it starts." in result.said
    assert worth() == (True, date(2027, 11, 1))


def test_of_two_units_the_unused_number_ends_if_the_store_does_not_say_which(importer: Importer) -> None:
    bought = original()
    bought["lines"][0] |= {
        "quantity": 2,
        "licenses": [{"serial": "XAAB-1", "activated_at": "2026-11-02T09:00:00Z"}, {"serial": "XAAB-2"}],
    }
    refund = {"id": "R", "amount": "39.97", "at": "2026-11-05T09:00:00+01:00", "lines": [{"id": "1", "quantity": 1}]}
    importer.orders(bought)
    importer.orders(bought | {"status": "partially_refunded", "refunds": [refund]})
    assert _revoked() == ["XAAB-2"]
    License.objects.update(activated_at=datetime(2026, 12, 1, tzinfo=UTC))
    importer.orders(bought | {"status": "partially_refunded", "refunds": [refund], "email": "new@example.com"})
    assert _revoked() == ["XAAB-2"]


def test_with_two_units_in_use_neither_is_guessed(importer: Importer) -> None:
    used = {"activated_at": "2026-11-02T09:00:00Z"}
    bought = original()
    bought["lines"][0] |= {"quantity": 2, "licenses": [{"serial": "XAAB-1"} | used, {"serial": "XAAB-2"} | used]}
    refund = {"id": "R", "amount": "39.97", "at": "2026-11-05T09:00:00+01:00", "lines": [{"id": "1", "quantity": 1}]}
    importer.orders(bought | {"status": "partially_refunded", "refunds": [refund]})
    assert _revoked() == []
    refund["lines"][0]["quantity"] = 2
    importer.orders(bought | {"status": "partially_refunded", "refunds": [refund]})
    assert _revoked() == ["XAAB-1", "XAAB-2"]


def _revoked() -> list[str]:
    return list(License.objects.filter(revoked_at__isnull=False).order_by("serial").values_list("serial", flat=True))
