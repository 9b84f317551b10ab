"""An undone import restores the orders that it changed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from intake.models import ImportChange, ImportRun
from licenses.models import Device, License, Sku
from notifications.models import Message
from orders.models import Order, Refund
from refunds.models import ReturnPolicy, Withdrawal
from refunds.services import withdrawals
from tests.factories import make_store
from tests.intake.exports import ABSENT, Importer, portal_order, the_order
from tests.intake.import_runs import content, differences, undo

pytestmark = pytest.mark.django_db


def renewal(number: str, day: int, **license: Any) -> dict[str, Any]:
    line = {
        "id": "1",
        "name": "Renewal",
        "kind": "renewal",
        "extends": "XAAB-1234-5678",
        "licenses": [{"serial": "XAAB-1234-5678"} | license],
    }
    return portal_order(number=number, placed_at=f"2026-12-{day:02}T10:00:00+00:00", lines=[line])


def test_every_column_and_row_returns(importer: Importer) -> None:
    importer.orders(portal_order())
    before = content()
    lines = [
        portal_order()["lines"][0] | {"quantity": 3, "licenses": [{"serial": "XAAC-1"}, {"serial": "XAAC-2"}]},
        {"id": "9", "name": "Another", "sku": "NEW", "total": "1.00"},
    ]
    changed = portal_order(
        email="new@example.com",
        password="open sesame",
        status="partially_refunded",
        billing={"name": "Bob", "city": None},
        lines=lines,
        totals={"total": "12345678901.234"},
        refunds=[
            {
                "id": "R",
                "amount": "1.00",
                "at": "2026-11-05T09:00:00+01:00",
                "lines": [{"id": "1", "quantity": 1}],
            }
        ],
    )
    result = importer.orders(changed)
    undone = undo(result)
    assert (undone.exit_status, undone.tally) == (0, (0, 1, 0))
    assert differences(before, content()) == {}
    assert ImportRun.objects.get(pk=result.counts["run"]).orders_restored == 1


def test_it_can_be_imported_again_afterwards(importer: Importer) -> None:
    importer.orders(portal_order())
    undo(importer.orders(portal_order(email="new@example.com")))
    assert the_order().store_email == "ann@example.com"
    assert importer.orders(portal_order(email="new@example.com")).tally == (0, 1, 0, 0)
    assert importer.orders(portal_order(email="new@example.com")).tally == (0, 0, 1, 0)


def test_imports_are_undone_the_newest_first(importer: Importer) -> None:
    first = importer.orders(portal_order(number="A"), portal_order(number="B"))
    between = content()
    second = importer.orders(portal_order(number="A", email="new@example.com"))
    third = importer.orders(portal_order(number="A", email="newer@example.com"))
    blocked = undo(second)
    assert (blocked.exit_status, blocked.tally, blocked.codes) == (1, (0, 0, 1), {"A": {"later_import"}})
    assert f"import {third.counts['run']}" in blocked.said
    assert undo(first).tally == (1, 0, 1)  # B was deleted
    assert (undo(third).exit_status, undo(second).exit_status) == (0, 0)
    assert set(content()["orders_order"]) == {row for row in between["orders_order"] if '"A"' in row}
    assert undo(first).tally == (1, 0, 0)
    assert not Order.objects.exists()
    assert not License.objects.exists()


def test_a_renewal_that_is_undone_takes_its_time_away(importer: Importer) -> None:
    importer.orders(portal_order())
    before = content()
    result = importer.orders(renewal("R", 1, expires_on="2028-11-01", devices=5))
    license = License.objects.get()
    assert (str(license.expires_on), license.devices) == ("2028-11-01", 5)
    assert undo(result).tally == (1, 0, 0)
    assert differences(before, content()) == {}


def test_a_license_keeps_what_a_later_import_said(importer: Importer) -> None:
    importer.orders(portal_order())
    middle = importer.orders(renewal("R1", 1, expires_on="2028-11-01", activated_at="2026-12-02T00:00:00Z"))
    importer.orders(renewal("R2", 5, expires_on="2029-11-01", activated_at="2026-12-06T00:00:00Z"))
    assert undo(middle).tally == (1, 0, 0)
    license = License.objects.get()
    assert license.activated_at == datetime(2026, 12, 6, tzinfo=UTC)
    assert license.licensed_lines.count() == 2
    assert str(license.expires_on) == "2029-11-01"


def test_a_license_returns_to_its_activation_but_not_behind_a_device(importer: Importer) -> None:
    importer.orders(portal_order())
    result = importer.orders(renewal("R", 1, activated_at="2026-12-02T00:00:00Z"))
    license = License.objects.get()
    Device.objects.create(
        license=license,
        vendor_id="D",
        activated_at=datetime(2026, 12, 3, tzinfo=UTC),
        last_seen_at=datetime(2026, 12, 3, tzinfo=UTC),
    )
    assert undo(result).tally == (1, 0, 0)
    license.refresh_from_db()
    assert license.activated_at == datetime(2026, 12, 3, tzinfo=UTC)


def test_a_license_that_was_on_no_order_returns_to_what_staff_entered(importer: Importer) -> None:
    License.objects.create(serial="XAAB-1234-5678", devices=9, revoked_at=datetime(2026, 1, 1, tzinfo=UTC))
    before = content()
    result = importer.orders(portal_order())
    assert License.objects.get().devices == 3
    assert undo(result).tally == (1, 0, 0)
    assert differences(before, content()) == {}


def test_a_license_on_two_orders_of_the_import_goes_with_the_last_of_them(importer: Importer) -> None:
    result = importer.orders(portal_order(number="A"), renewal("B", 2))
    Message.objects.create(kind="x", object_id=1, order_id=the_order("B").pk, status="sent", sent_at=timezone.now())
    assert undo(result).tally == (1, 0, 1)
    assert License.objects.count() == 1
    Message.objects.all().delete()
    undone = undo(result)
    assert undone.tally == (1, 0, 0)
    assert (undone.result["licenses"], undone.result["stores"]) == (1, 1)
    assert not License.objects.exists()


def test_refunds_of_the_import_go_and_the_license_is_valid_again(importer: Importer) -> None:
    store = make_store(slug="acme-eu")
    ReturnPolicy.objects.create(store=store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC), revokes_serials=True)
    importer.orders(portal_order())
    result = importer.orders(
        portal_order(status="refunded", refunds=[{"id": "R", "amount": "89.94", "at": "2026-11-05T09:00:00Z"}])
    )
    assert License.objects.get().revoked_at is not None
    assert undo(result).tally == (0, 1, 0)
    assert License.objects.get().revoked_at is None
    assert not Refund.objects.exists()
    assert the_order().status == "completed"


def test_an_unsent_email_about_a_serial_number_of_the_import_goes(importer: Importer) -> None:
    line = {key: value for key, value in portal_order()["lines"][0].items() if key != "licenses"}
    importer.orders(portal_order(placed_at=timezone.now().isoformat(), lines=[line]))
    order = the_order()
    Message.objects.filter(order_id=order.pk).update(status="sent", sent_at=timezone.now())
    # Long before the undone import.
    Message.objects.filter(order_id=order.pk).update(sent_at=datetime(2026, 1, 1, tzinfo=UTC))
    full = portal_order(placed_at=ABSENT, lines=portal_order()["lines"][:1])
    result = importer.orders(full | {"placed_at": order.placed_at.isoformat()})
    assert Message.objects.filter(kind="serial_arrived", status="waiting").count() == 1
    undone = undo(result)
    assert (undone.tally, undone.result["canceled_emails"]) == ((0, 1, 0), 1)
    assert not Message.objects.filter(kind="serial_arrived").exists()
    again = importer.orders(full | {"placed_at": order.placed_at.isoformat()})
    assert again.tally == (0, 1, 0, 0)
    assert Message.objects.filter(kind="serial_arrived", status="waiting").count() == 1


def test_a_withdrawal_from_before_the_import_is_kept(importer: Importer) -> None:
    importer.orders(portal_order())
    order = the_order()
    withdrawals.withdraw(withdrawals.WithdrawalStatement("Ann", order.number, "ann@example.com"), "en")
    withdrawals.match_withdrawals()
    assert Withdrawal.objects.get().order == order
    before = content()
    undone = undo(importer.orders(portal_order(email="new@example.com")))
    assert (undone.exit_status, undone.tally) == (0, (0, 1, 0))
    assert differences(before, content()) == {}


def test_no_card_number_and_no_plain_password_is_remembered(importer: Importer) -> None:
    importer.orders(portal_order(password="open sesame"))
    importer.orders(portal_order(password="other sesame", totals={"total": "5"}))
    before = str(ImportChange.objects.get(kind="changed").before)
    assert "sesame" not in before
    assert "'card_last4': '4242'" in before
    assert the_order().total == Decimal(5)


def test_a_list_that_only_grew_returns(importer: Importer) -> None:
    refund = {"id": "R", "amount": "1.00", "at": "2026-11-05T09:00:00Z"}
    importer.orders(portal_order(refunds=[refund]))
    before = content()
    result = importer.orders(portal_order(refunds=[refund | {"lines": [{"id": "1", "quantity": 1}]}]))
    assert undo(result).tally == (0, 1, 0)
    assert differences(before, content()) == {}


def test_an_sku_without_serial_numbers_is_one_again(importer: Importer) -> None:
    line = {"id": "1", "name": "Suite", "sku": "S", "total": "1.00"}
    importer.orders(portal_order(lines=[line]))
    before = content()
    result = importer.orders(portal_order(number="B", lines=[line | {"licenses": [{"serial": "XAAC-1"}]}]))
    assert Sku.objects.get(code="S").has_serials
    assert undo(result).tally == (1, 0, 0)
    assert differences(before, content()) == {}
