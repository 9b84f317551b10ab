"""A dry run reports what an import would do, writes nothing, and holds no locks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from intake.ingest import run
from intake.ingest.locks import IMPORT_LOCK
from intake.models import StatusMeaning
from licenses.models import License
from orders.models import Order, Store
from tests.intake.exports import Importer, portal_order, run_import, shopify_row, table
from tests.intake.test_stripe_payments import charge


@pytest.fixture
def other_connection() -> Iterator[Any]:
    """Another connection, which gives up immediately if it would have to wait."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SET lock_timeout = 1")
    yield other
    other.close()


@pytest.mark.django_db(transaction=True)
def test_a_buyer_changes_orders_that_a_dry_run_is_about_to_change(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, other_connection: Any
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 10)
    orders = [portal_order(number=f"A-{number}") for number in range(50)]
    importer.orders(*orders)
    changes: list[int] = []
    merge_record = run.merge_record

    def merging(*arguments: Any) -> bool:
        merged = merge_record(*arguments)
        with other_connection.cursor() as cursor:
            cursor.execute("UPDATE orders_order SET password_generation = password_generation + 1")
            cursor.execute("UPDATE orders_orderline SET quantity_returned = quantity_returned")
            cursor.execute("UPDATE licenses_license SET activated_at = now()")
            cursor.execute("SELECT pg_try_advisory_lock(%s), pg_advisory_unlock(%s)", [IMPORT_LOCK] * 2)
            changes.append(cursor.fetchone() == (True, True))
        return merged

    monkeypatch.setattr(run, "merge_record", merging)
    changed = [order | {"email": "new@example.com"} for order in orders]
    assert importer.orders(*changed, dry_run=True).tally == (0, 50, 0, 0)
    assert changes == [True] * 50
    assert set(Order.objects.values_list("password_generation", "store_email")) == {(50, "ann@example.com")}


@pytest.mark.django_db
def test_a_dry_run_counts_what_the_import_then_does(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 3)
    orders = [portal_order(number=f"A-{number % 7}", email=f"{number % 9}@example.com") for number in range(30)]
    dry = importer.orders(*orders, dry_run=True)
    assert not Order.objects.exists()
    assert not Store.objects.exists()
    assert not License.objects.exists()
    assert dry.tally == importer.orders(*orders).tally
    again = importer.orders(*orders, dry_run=True)
    assert again.tally == importer.orders(*orders).tally


@pytest.mark.django_db
def test_later_files_of_a_dry_run_see_the_orders_of_earlier_ones(importer: Importer) -> None:
    shopify, stripe = importer.folder / "1.csv", importer.folder / "2.json"
    shopify.write_text(table(shopify_row(Payment_Reference="ch_1"), shopify_row(Name="#2", Email="bob@example.com")))
    by_payer = charge(id="ch_2", payment_intent="pi_2", billing_details={"email": "bob@example.com"})
    by_number = charge(id="ch_3", payment_intent="pi_3", billing_details={}, metadata={"order_id": "2"})
    payments = [charge(billing_details={}), by_payer, by_number, charge(id="ch_4", billing_details={}, amount=1)]
    stripe.write_text("\n".join(map(json.dumps, payments)))
    dry = run_import(shopify, stripe, store="shop", dry_run=True)
    assert dry.tally == (2, 2, 1, 1)
    assert dry.tally == run_import(shopify, stripe, store="shop").tally


@pytest.mark.django_db
def test_database_constraints_are_reported(importer: Importer) -> None:
    refund = {"id": "R", "amount": "9.99", "at": "2026-11-05T09:00:00+01:00", "lines": [{"id": "1", "quantity": 1}]}
    line = {"id": "1", "name": "N", "total": "9.99"}
    importer.orders(
        portal_order(lines=[line | {"quantity": 2}], refunds=[refund | {"lines": [{"id": "1", "quantity": 2}]}])
    )
    fewer = portal_order(lines=[line | {"quantity": 1}])
    assert importer.orders(fewer, dry_run=True).tally == importer.orders(fewer).tally == (0, 0, 0, 1)


@pytest.mark.django_db
def test_nothing_is_asked(importer: Importer) -> None:
    assert importer.shopify(shopify_row(Financial_Status="lost"), dry_run=True).tally == (0, 0, 0, 1)
    assert not StatusMeaning.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_activation_waits_for_an_import_and_is_not_lost(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, other_connection: Any
) -> None:
    importer.orders(portal_order())
    merge_record = run.merge_record
    waited: list[bool] = []

    def merging(*arguments: Any) -> bool:
        try:
            with other_connection.cursor() as cursor:
                cursor.execute("UPDATE licenses_license SET activated_at = now()")
            waited.append(False)
        except Exception as error:
            waited.append("lock timeout" in str(error))
        return merge_record(*arguments)

    monkeypatch.setattr(run, "merge_record", merging)
    line = portal_order()["lines"][0]
    license = line["licenses"][0] | {"activated_at": "2026-11-02T10:00:00Z"}
    with transaction.atomic():
        importer.orders(portal_order(lines=[line | {"licenses": [license]}]))
    assert waited == [True]
