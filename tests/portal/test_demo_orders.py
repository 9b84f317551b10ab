import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from intake.records import OrderRecord
from licenses.models import License, Sku
from orders.models import Order
from portal.demo import content_loading, orders, vendor

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo_orders() -> list[orders.JsonObject]:
    return list(orders.OrderGenerator(NOW).generate())


def test_the_generator_makes_the_same_three_hundred_orders_each_time(demo_orders: list[orders.JsonObject]) -> None:
    assert len(demo_orders) == 300
    assert demo_orders == list(orders.OrderGenerator(NOW).generate())
    assert len({(order["store"], order["number"]) for order in demo_orders}) == len(demo_orders)


def test_all_orders_are_valid_records(demo_orders: list[orders.JsonObject]) -> None:
    for order in demo_orders:
        OrderRecord.model_validate_json(json.dumps(order))


def test_totals_equal_the_sum_of_the_lines(demo_orders: list[orders.JsonObject]) -> None:
    for order in demo_orders:
        total = sum(Decimal(line["total"]) for line in order["lines"])
        assert Decimal(order["totals"]["total"]) == total
        assert sum(Decimal(refund["amount"]) for refund in order.get("refunds", [])) <= total


def test_some_orders_are_recent_enough_for_a_confirmation(demo_orders: list[orders.JsonObject]) -> None:
    ages = [NOW - datetime.fromisoformat(order["placed_at"]) for order in demo_orders]
    assert min(ages) > timedelta(0)
    assert sum(age < timedelta(hours=72) for age in ages) == 6


def test_every_kind_of_order_occurs(demo_orders: list[orders.JsonObject]) -> None:
    kinds = Counter(line["kind"] for order in demo_orders for line in order["lines"])
    assert min(kinds[kind] for kind in ("new", "renewal", "upgrade", "extended_download")) > 5
    assert {order["status"] for order in demo_orders} == set(Order.Status.values)
    assert {order["payment"]["method"] for order in demo_orders} == {"card", "paypal", "bank_transfer"}
    assert {order["payment"].get("wallet") for order in demo_orders} == {None, "apple_pay", "google_pay"}
    assert {order["currency"] for order in demo_orders} == {"EUR", "USD", "JPY"}
    assert {order["language"] for order in demo_orders} == {"en", "de", "fr", "nl"}
    assert any(order["status"] == "completed" and "licenses" not in order["lines"][0] for order in demo_orders)
    assert max(Counter(order["email"] for order in demo_orders).values()) > 2


def test_printed_buyers_have_the_printed_orders(demo_orders: list[orders.JsonObject]) -> None:
    by_card = [order for order in demo_orders if order["email"] == vendor.BUYER_WITH_CARD.email]
    assert [order["payment"]["last4"] for order in by_card] == [vendor.CARD_LAST4] * 3
    by_password = [order for order in demo_orders if "password" in order]
    assert [order["number"] for order in by_password] == [vendor.PASSWORD_ORDER]
    by_link = [order for order in demo_orders if order["email"] == vendor.BUYER_WITH_PAYPAL.email]
    assert ["last4" in order["payment"] for order in by_link] == [False]


@pytest.mark.django_db
def test_the_import_assigns_every_license_to_its_product(tmp_path: Path) -> None:
    content_loading.create_vendor()
    count = orders.write_orders_file(tmp_path / "orders.jsonl", timezone.now())
    call_command("import_orders", str(tmp_path / "orders.jsonl"), verbosity=0)
    assert Order.objects.count() == count
    assert not License.objects.filter(product=None).exists()
    assert not Sku.objects.filter(product=None).exclude(code="EDS-2Y").exists()
    upgraded = License.objects.filter(serial__startswith="A", product__slug="maximum-security")
    assert upgraded.exists()


@pytest.mark.django_db
def test_loading_twice_changes_nothing(tmp_path: Path, settings) -> None:
    settings.DEMO_ADMIN_PASSWORD = "a password of the demo"
    assert content_loading.load_demo_content(tmp_path / "orders.jsonl") == 300
    before = Order.objects.count()
    assert content_loading.load_demo_content(tmp_path / "orders.jsonl") == 0
    assert Order.objects.count() == before
