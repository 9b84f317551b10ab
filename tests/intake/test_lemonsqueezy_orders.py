"""Orders and license keys of Lemon Squeezy, from its API, its webhooks and its License API."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from intake.models import StatusMeaning
from licenses.models import License
from orders.models import Order
from tests.intake.exports import Importer, Result, the_order

pytestmark = pytest.mark.django_db

NUMBER = "17001001"
ORDER: dict[str, Any] = {
    "type": "orders",
    "id": "501",
    "attributes": {
        "store_id": 17,
        "identifier": "0b1c2d3e-0000-4000-8000-000000000001",
        "order_number": int(NUMBER),
        "user_name": "Ann Beispiel",
        "user_email": "ann@example.com",
        "currency": "EUR",
        "subtotal": 10000,
        "discount_total": 1000,
        "tax": 1710,
        "total": 10710,
        "refunded_amount": 0,
        "total_formatted": "€107.10",
        "tax_rate": "19.00",
        "tax_inclusive": False,
        "status": "paid",
        "refunded": False,
        "refunded_at": None,
        "first_order_item": {
            "id": 901,
            "order_id": 501,
            "product_id": 31,
            "variant_id": 41,
            "product_name": "Maximum Security",
            "variant_name": "Default",
            "price": 5000,
            "quantity": 2,
            "test_mode": False,
        },
        "created_at": "2026-11-01T09:00:00.000000Z",
        "updated_at": "2026-11-01T09:00:05.000000Z",
        "test_mode": False,
    },
    "links": {"self": "https://api.lemonsqueezy.com/v1/orders/501"},
}
LICENSE_KEY: dict[str, Any] = {
    "type": "license-keys",
    "id": "71",
    "attributes": {
        "store_id": 17,
        "order_id": 501,
        "order_item_id": 901,
        "key": "80E15DB5-C796-436B-850C-8F9C98A48ABE",
        "activation_limit": 3,
        "status": "inactive",
        "expires_at": "2027-11-01T09:00:00.000000Z",
        "created_at": "2026-11-01T09:00:02.000000Z",
        "updated_at": "2026-11-01T09:00:02.000000Z",
    },
}


def order(**changes: Any) -> dict[str, Any]:
    value = deepcopy(ORDER)
    value["attributes"] |= changes
    return value


def item(item_id: int, price: int, name: str, **changes: Any) -> dict[str, Any]:
    attributes = {"order_id": 501, "variant_id": item_id, "product_name": name, "variant_name": "1 year"}
    return {"type": "order-items", "id": str(item_id), "attributes": {**attributes, "price": price, **changes}}


def license_key(key_id: str = "71", **changes: Any) -> dict[str, Any]:
    value = deepcopy(LICENSE_KEY) | {"id": key_id}
    value["attributes"] |= changes
    return value


def event(entity: dict[str, Any], name: str = "order_created", **meta: Any) -> dict[str, Any]:
    return {"meta": {"event_name": name, "webhook_id": "w", **meta}, "data": entity}


def load(importer: Importer, *values: object, **options: Any) -> Result:
    content = "".join(f"{json.dumps(value, indent=1)}\n" for value in values)
    return importer(content, name="lemon.json", **{"store": "shop"} | options)


@pytest.mark.parametrize(
    "wrap", [lambda value: value, event, lambda value: {"jsonapi": {}, "data": value}, lambda value: {"data": [value]}]
)
def test_an_order_is_the_same_in_every_wrapping(importer: Importer, wrap: Any) -> None:
    assert load(importer, wrap(order())).tally == (1, 0, 0, 0)
    found = the_order(NUMBER)
    assert (found.status, found.currency, found.is_test) == ("completed", "EUR", False)
    assert found.placed_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert (found.store_email, found.billing_name) == ("ann@example.com", "Ann Beispiel")
    assert (found.subtotal, found.discount, found.tax, found.total) == (100, 10, Decimal("17.10"), Decimal("107.10"))
    line = found.lines.get()
    assert (line.store_line_id, line.name, line.sku, line.quantity) == ("901", "Maximum Security", "41", 2)
    assert (line.unit_price, line.discount, line.tax, line.total) == (50, 10, Decimal("17.10"), Decimal("107.10"))
    assert line.tax_rate == 19
    assert load(importer, wrap(order())).tally == (0, 0, 1, 0)


def test_items_exported_with_the_order_share_its_amounts_to_the_cent(importer: Importer) -> None:
    items = [item(901, 3333, "A"), item(902, 6667, "B")]
    other = item(999, 5, "Its ID isn’t enough, because another order may have that number.", order_id=502)
    load(importer, {"data": [order()], "included": [*items, other]})
    found = the_order(NUMBER)
    lines = list(found.lines.all())
    assert [(line.name, line.total) for line in lines] == [
        ("A (1 year)", Decimal("35.70")),
        ("B (1 year)", Decimal("71.40")),
    ]
    assert sum(line.tax for line in lines) == found.tax
    assert sum(line.discount for line in lines) == found.discount


def test_missing_items_become_one_line(importer: Importer) -> None:
    first = ORDER["attributes"]["first_order_item"] | {"price": 4000, "quantity": 1}
    load(importer, order(first_order_item=first))
    found = the_order(NUMBER)
    kinds = [(line.kind, line.total) for line in found.lines.all()]
    assert kinds == [("new", Decimal("42.84")), ("other", Decimal("64.26"))]
    assert sum(total for _kind, total in kinds) == found.total


def test_a_webhook_with_one_item_keeps_the_others(importer: Importer) -> None:
    load(importer, {"data": [order()], "included": [item(901, 4000, "A"), item(902, 6000, "B")]})
    first = ORDER["attributes"]["first_order_item"] | {"price": 4000, "quantity": 1}
    load(importer, event(order(first_order_item=first, updated_at="2026-11-02T09:00:00Z", user_name="Ann B.")))
    found = the_order(NUMBER)
    assert found.billing_name == "Ann B."
    assert [line.store_line_id for line in found.lines.all()] == ["901", "902"]
    assert sum(line.total for line in found.lines.all()) == found.total


def test_an_item_with_a_price_for_all_units(importer: Importer) -> None:
    first = ORDER["attributes"]["first_order_item"] | {"price": 10000, "quantity": 2}
    load(importer, order(first_order_item=first))
    assert [line.total for line in the_order(NUMBER).lines.all()] == [Decimal("107.10")]


def test_prices_with_tax_in_them(importer: Importer) -> None:
    first = ORDER["attributes"]["first_order_item"] | {"price": 11710, "quantity": 1}
    load(importer, order(first_order_item=first, tax_inclusive=True))
    assert [line.total for line in the_order(NUMBER).lines.all()] == [Decimal("107.10")]


def test_a_partial_refund_and_then_the_rest(importer: Importer) -> None:
    load(importer, order())
    part = {"refunded_amount": 1000, "refunded_at": "2026-11-03T09:00:00Z", "updated_at": "2026-11-03T09:00:01Z"}
    assert load(importer, event(order(**part), "order_refunded")).tally == (0, 1, 0, 0)
    assert load(importer, event(order(**part), "order_refunded")).tally == (0, 0, 1, 0)
    found = the_order(NUMBER)
    refund = found.refunds.get()
    assert (found.status, refund.amount) == ("partially_refunded", 10)
    assert refund.refunded_at == datetime(2026, 11, 3, 9, tzinfo=UTC)
    rest = {"refunded_amount": 10710, "status": "refunded", "refunded": True, "updated_at": "2026-11-05T09:00:00Z"}
    load(importer, event(order(**rest), "order_refunded"))
    found.refresh_from_db()
    assert found.status == "refunded"
    assert sum(each.amount for each in found.refunds.all()) == found.total


def test_a_refund_without_an_amount_is_the_whole_order(importer: Importer) -> None:
    refunded = order(status="refunded", refunded=True, refunded_at="2026-11-03T09:00:00Z")
    del refunded["attributes"]["refunded_amount"]
    load(importer, refunded)
    assert the_order(NUMBER).refunds.get().amount == Decimal("107.10")


def test_events_out_of_order_end_in_the_last_state(importer: Importer) -> None:
    refunded = order(status="refunded", refunded=True, refunded_amount=10710, updated_at="2026-11-03T09:00:00Z")
    load(importer, event(refunded, "order_refunded"))
    load(importer, event(order()))
    found = the_order(NUMBER)
    assert (found.status, found.refunds.count()) == ("refunded", 1)


@pytest.mark.parametrize("where", ["attributes", "first_order_item", "meta"])
def test_test_mode_is_recognized_in_three_places(importer: Importer, where: str) -> None:
    value, meta = order(), {}
    del value["attributes"]["test_mode"]
    if where == "meta":
        meta = {"test_mode": True}
        del value["attributes"]["first_order_item"]["test_mode"]
    else:
        part = value["attributes"] if where == "attributes" else value["attributes"]["first_order_item"]
        part["test_mode"] = True
    load(importer, event(value, **meta))
    assert the_order(NUMBER).is_test


@pytest.mark.parametrize(("word", "status"), [("pending", "pending"), ("failed", "cancelled")])
def test_what_the_other_statuses_mean(importer: Importer, word: str, status: str) -> None:
    load(importer, order(status=word))
    assert the_order(NUMBER).status == status


def test_an_unknown_status_is_asked(importer: Importer) -> None:
    assert load(importer, order(status="fraudulent")).counts["rejects"][0]["code"] == "unknown_status"
    assert StatusMeaning.objects.get().word == "fraudulent"
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("currency", "shown", "total"),
    [("JPY", "¥10,710", "10710"), ("JPY", "¥107", None), ("JPY", "¥107.10", "107.1"), ("KWD", "KWD 10.710", "10.71")],
)
def test_the_formatted_total_determines_the_smallest_unit(
    importer: Importer, currency: str, shown: str, total: str | None
) -> None:
    result = load(importer, order(currency=currency, total_formatted=shown))
    if total is None:
        assert result.tally == (0, 0, 0, 1)
    else:
        assert the_order(NUMBER).total == Decimal(total)


def test_a_license_key_is_added_to_its_line(importer: Importer) -> None:
    load(importer, event(order()))
    assert load(importer, event(license_key(), "license_key_created")).tally == (0, 1, 0, 0)
    second = license_key("72", key="SECOND-KEY", updated_at="2026-11-01T09:00:01Z", activation_limit=None)
    load(importer, event(second, "license_key_created"))
    line = the_order(NUMBER).lines.get()
    assert line.name == "Maximum Security"
    licenses = {each.serial: each for each in License.objects.all()}
    assert set(licenses) == {LICENSE_KEY["attributes"]["key"], "SECOND-KEY"}
    first = licenses[LICENSE_KEY["attributes"]["key"]]
    assert (first.devices, first.expires_on) == (3, date(2027, 11, 1))
    assert load(importer, event(license_key(), "license_key_created")).tally == (0, 0, 1, 0)


def test_license_keys_out_of_order(importer: Importer) -> None:
    load(importer, order())
    load(importer, license_key(expires_at="2028-11-01T09:00:00Z", updated_at="2026-12-01T09:00:00Z"))
    load(importer, license_key())
    load(importer, event(order(updated_at="2026-12-02T09:00:00Z")))
    assert License.objects.get().expires_on == date(2028, 11, 1)
    assert the_order(NUMBER).lines.get().licensed_lines.count() == 1


def test_license_keys_exported_with_the_order(importer: Importer) -> None:
    load(importer, {"data": [order()], "included": [license_key()]})
    assert License.objects.get().serial == LICENSE_KEY["attributes"]["key"]


def test_a_license_key_before_its_order_is_tried_again_later(importer: Importer) -> None:
    result = load(importer, event(license_key(), "license_key_created"))
    assert result.counts["rejects"][0]["code"] == "order_not_found"


def test_a_license_key_of_a_missing_item_is_kept(importer: Importer) -> None:
    load(importer, order())
    load(importer, license_key(order_item_id=902))
    found = the_order(NUMBER)
    assert [(line.store_line_id, line.total) for line in found.lines.order_by("position")] == [
        ("901", found.total),
        ("902", 0),
    ]
    assert License.objects.count() == 1


def test_the_license_api_response_contains_the_activation(importer: Importer) -> None:
    load(importer, order())
    key = {"id": 71, "status": "active", "key": "API-KEY-1", "activation_limit": 2, "expires_at": None}
    meta = {"order_id": 501, "order_item_id": 901, "variant_id": 41, "product_name": "Maximum Security"}
    answer = {
        "activated": True,
        "license_key": key,
        "instance": {"id": "i", "created_at": "2026-11-02T08:00:00Z"},
        "meta": meta,
    }
    assert load(importer, answer).tally == (0, 1, 0, 0)
    assert License.objects.get().activated_at == datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        item(901, 5, "An item") | {"links": {"self": "https://api.lemonsqueezy.com/v1/order-items/901"}},
        {"data": {"type": "subscriptions", "id": "1", "attributes": {"store_id": 1, "order_item_id": 1}}},
    ],
)
def test_other_objects_are_refused_with_a_sentence(importer: Importer, value: dict[str, Any]) -> None:
    result = load(importer, value)
    assert (result.tally, result.counts["rejects"][0]["code"]) == ((0, 0, 0, 1), "not_an_order")


@pytest.mark.parametrize(
    "changes",
    [{"total": None}, {"total": "12.50"}, {"currency": "ZZZ"}, {"created_at": None}, {"first_order_item": None}],
)
def test_missing_values_are_refused_and_not_made_up(importer: Importer, changes: dict[str, Any]) -> None:
    assert load(importer, order(**changes)).tally == (0, 0, 0, 1)
    assert not Order.objects.exists()
