"""The invented vendor's orders: in the portal's own format, and somebody for each part of the pages."""

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
def made() -> list[orders.JsonObject]:
    return list(orders.OrderGenerator(NOW).all())


def test_there_are_about_three_hundred_and_always_the_same(made: list[orders.JsonObject]) -> None:
    assert len(made) == 300
    assert made == list(orders.OrderGenerator(NOW).all())
    assert len({(order["store"], order["number"]) for order in made}) == len(made)


def test_all_are_whole_records_of_the_portals_format(made: list[orders.JsonObject]) -> None:
    for order in made:
        OrderRecord.model_validate_json(json.dumps(order))


def test_sums_fit_their_lines(made: list[orders.JsonObject]) -> None:
    for order in made:
        total = sum(Decimal(line["total"]) for line in order["lines"])
        assert Decimal(order["totals"]["total"]) == total
        assert sum(Decimal(refund["amount"]) for refund in order.get("refunds", [])) <= total


def test_none_is_placed_in_the_future_and_some_within_the_confirmation_window(made: list[orders.JsonObject]) -> None:
    ages = [NOW - datetime.fromisoformat(order["placed_at"]) for order in made]
    assert min(ages) > timedelta(0)
    assert sum(age < timedelta(hours=72) for age in ages) == 6


def test_every_kind_of_order_is_there(made: list[orders.JsonObject]) -> None:
    kinds = Counter(line["kind"] for order in made for line in order["lines"])
    assert min(kinds[kind] for kind in ("new", "renewal", "upgrade", "extended_download")) > 5
    assert {order["status"] for order in made} == set(Order.Status.values)
    assert {order["payment"]["method"] for order in made} == {"card", "paypal", "bank_transfer"}
    assert {order["payment"].get("wallet") for order in made} == {None, "apple_pay", "google_pay"}
    assert {order["currency"] for order in made} == {"EUR", "USD", "JPY"}
    assert {order["language"] for order in made} == {"en", "de"}
    assert any(order["status"] == "completed" and "licenses" not in order["lines"][0] for order in made)
    assert max(Counter(order["email"] for order in made).values()) > 2


def test_people_of_the_table_find_what_it_says(made: list[orders.JsonObject]) -> None:
    by_card = [order for order in made if order["email"] == vendor.BUYER_WITH_CARD.email]
    assert [order["payment"]["last4"] for order in by_card] == [vendor.CARD_LAST4] * 3
    by_password = [order for order in made if "password" in order]
    assert [order["number"] for order in by_password] == [vendor.PASSWORD_ORDER]
    by_link = [order for order in made if order["email"] == vendor.BUYER_WITH_PAYPAL.email]
    assert ["last4" in order["payment"] for order in by_link] == [False]


@pytest.mark.django_db
def test_they_come_in_through_the_import_under_their_products(tmp_path: Path) -> None:
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
