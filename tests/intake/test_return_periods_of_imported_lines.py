"""Each line keeps the last day of its return period from the time of its import."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from licenses.models import Sku
from orders.models import Order, OrderLine, Store
from refunds.models import ReturnException, ReturnPolicy
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_product
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db
Bring = Callable[..., Order]


@pytest.fixture
def store() -> Store:
    return Store.objects.create(slug="shop", name="Shop", time_zone="Pacific/Auckland")


@pytest.fixture
def bring(tmp_path: Path, store: Store) -> Bring:
    versions = iter(range(1, 60))

    def bring(number: str = "P-1", **changes: Any) -> Order:
        record = {
            "store": store.slug,
            "number": number,
            "email": "buyer@example.com",
            "placed_at": "2026-11-01T11:30:00+00:00",  # 2 November in Auckland, 00:30
            "updated_at": f"2026-11-03T09:{next(versions):02}:00+00:00",
            "currency": "EUR",
            "lines": [{"id": "1", "name": "Suite", "sku": "S", "total": "20.00"}],
        } | changes
        path = tmp_path / "orders.jsonl"
        path.write_text(json.dumps(record))
        call_command("import_orders", path, format="portal", verbosity=0)
        return Order.objects.get(number=number)

    return bring


def until(order: Order) -> datetime | None:
    return order.lines.order_by("pk").values_list("return_until", flat=True)[0]


def test_thirty_days_after_the_purchase_day_in_the_stores_zone(bring: Bring) -> None:
    assert until(bring()) == datetime(2026, 12, 2, 11, 0, tzinfo=UTC)  # the end of 2 December in Auckland


def test_a_policy_that_staff_change_later_changes_no_promise(bring: Bring, store: Store) -> None:
    promised = until(bring())
    ReturnPolicy.objects.create(store=store, days=1, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    assert (
        until(bring(language="de", lines=[{"id": "1", "name": "Suite 2027", "sku": "S", "total": "20.00"}])) == promised
    )
    assert until(bring("P-2")) == datetime(2026, 11, 3, 11, 0, tzinfo=UTC)


def test_the_policy_in_force_at_the_purchase_counts(bring: Bring, store: Store) -> None:
    ReturnPolicy.objects.create(store=store, days=1, in_force_from=timezone.now())
    assert until(bring()) == datetime(2026, 12, 2, 11, 0, tzinfo=UTC)


def test_exceptions_by_kind_and_product(bring: Bring, store: Store) -> None:
    policy = ReturnPolicy.objects.create(store=store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    product = make_product()
    Sku.objects.create(store=store, code="B", product=product)
    ReturnException.objects.create(policy=policy, kind=OrderLine.Kind.EXTENDED_DOWNLOAD, days=None)
    ReturnException.objects.create(policy=policy, product=product, days=7)
    order = bring(
        lines=[
            {"id": "1", "name": "Download", "kind": "extended_download", "total": "5.00"},
            {"id": "2", "name": "Backup", "sku": "B", "total": "20.00"},
        ]
    )
    first, second = order.lines.order_by("position")
    assert first.return_until == order.placed_at
    assert second.return_until == datetime(2026, 11, 9, 11, 0, tzinfo=UTC)


def test_a_changed_purchase_date_updates_the_return_period(bring: Bring) -> None:
    bring()
    assert until(bring(placed_at="2026-11-02T11:30:00+00:00")) == datetime(2026, 12, 3, 11, 0, tzinfo=UTC)


def test_a_time_zone_set_after_the_import_moves_the_return_period(bring: Bring, store: Store) -> None:
    policy = ReturnPolicy.objects.create(store=store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC), days=14)
    ReturnException.objects.create(policy=policy, kind=OrderLine.Kind.OTHER, days=None)
    with time_machine.travel(datetime(2026, 11, 10, tzinfo=UTC)):
        bring("P-1", placed_at="2026-11-01T03:30:00+00:00")  # 1 November in Auckland, 31 October in New York
        bring("P-2", lines=[{"id": "1", "name": "Setup", "kind": "other", "total": "9.00"}])
        policy.delete()  # the promised days are kept
        store.time_zone = "America/New_York"
        store.save()
    first, second = Order.objects.order_by("number")
    assert until(first) == datetime(2026, 11, 15, 5, 0, tzinfo=UTC)
    assert until(second) == second.placed_at  # never returnable


def test_a_purchase_date_corrected_by_an_import_moves_the_deadline_of_a_withdrawal(bring: Bring) -> None:
    order = bring(placed_at="2026-10-12T09:00:00+00:00")
    with time_machine.travel(datetime(2026, 11, 2, tzinfo=UTC)):
        withdrawal = withdraw(WithdrawalStatement("Bea Buyer", order.number, order.email), "en")
    assert withdrawal.is_late
    bring(placed_at="2026-10-20T09:00:00+00:00")
    withdrawal.refresh_from_db()
    assert not withdrawal.is_late
    assert withdrawal.withdraw_until == datetime(2026, 11, 3, 11, 0, tzinfo=UTC)


def test_a_changed_kind_updates_the_return_period(bring: Bring, store: Store) -> None:
    policy = ReturnPolicy.objects.create(store=store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    ReturnException.objects.create(policy=policy, kind=OrderLine.Kind.OTHER, days=0)
    bring()
    order = bring(lines=[{"id": "1", "name": "Suite", "sku": "S", "kind": "other", "total": "20.00"}])
    assert until(order) == datetime(2026, 11, 2, 11, 0, tzinfo=UTC)
