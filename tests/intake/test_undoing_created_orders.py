"""An undone import leaves nothing of the orders that it created and that weren't touched."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from intake.models import ImportChange, ImportRun, StatusMeaning
from intake.services import undo as undo_service
from licenses.models import License, Sku
from notifications.models import FollowUp, Message
from orders.models import Order, OrderLine, PaymentReference, Store
from tests.factories import make_product
from tests.intake.exports import Importer, portal_order, shopify_row, the_order
from tests.intake.import_runs import content, differences, undo

pytestmark = pytest.mark.django_db


def recent_order(**changes: Any) -> dict[str, Any]:
    return portal_order(placed_at=timezone.now().isoformat(), **changes)


def test_orders_with_all_that_belongs_to_them_are_deleted(importer: Importer) -> None:
    before = content()
    result = importer.orders(*[portal_order(number=number) for number in ("A", "B", "C")])
    undone = undo(result)
    assert (undone.exit_status, undone.tally) == (0, (3, 0, 0))
    assert differences(before, content()) == {}
    assert {key: undone.result[key] for key in ("licenses", "skus", "stores")} == {
        "licenses": 1,
        "skus": 2,
        "stores": 1,
    }
    run = ImportRun.objects.get()
    assert (run.state, run.orders_deleted, run.orders_restored) == ("undone", 3, 0)
    assert run.undone_at is not None
    assert run.undone_by_name


def test_the_file_can_be_imported_again(importer: Importer) -> None:
    undo(importer.orders(portal_order()))
    again = importer.orders(portal_order())
    assert again.tally == (1, 0, 0, 0)
    assert undo(again).tally == (1, 0, 0)


def test_undone_twice_changes_nothing_and_says_so(importer: Importer) -> None:
    result = importer.orders(portal_order())
    undo(result)
    importer.orders(portal_order())
    before = content()
    again = undo(result)
    assert again.exit_status == 0
    assert again.result["was_undone"] is True
    assert "already" in again.said
    assert differences(before, content()) == {}


def test_a_dry_run_says_the_same_and_changes_nothing(importer: Importer) -> None:
    result = importer.orders(portal_order(), recent_order(number="B"))
    Message.objects.filter(order_id=the_order("B").pk).update(status="sent", sent_at=timezone.now())
    before = content()
    dry = undo(result, dry_run=True)
    assert (dry.exit_status, dry.tally, dry.codes) == (1, (1, 0, 1), {"B": {"emailed"}})
    assert differences(before, content()) == {}
    assert ImportRun.objects.get().state == "finished"
    assert "dry run" in dry.said
    assert undo(result).tally == dry.tally


def test_emails_that_wait_are_canceled(importer: Importer) -> None:
    result = importer.orders(recent_order())
    order = the_order()
    FollowUp.objects.create(
        kind="download_reminder",
        object_id=order.pk,
        order_id=order.pk,
        recipient="ann@example.com",
        due_at=timezone.now() + timedelta(days=1),
        closes_at=timezone.now() + timedelta(days=2),
    )
    assert Message.objects.get().status == "waiting"
    undone = undo(result)
    assert undone.result["canceled_emails"] == 1
    assert Message.objects.get().status == FollowUp.objects.get().status == "cancelled"


def test_payment_references_go_with_their_order(importer: Importer) -> None:
    result = importer.shopify(shopify_row(Payment_Reference="c1.abc"))
    assert PaymentReference.objects.exists()
    assert undo(result).tally == (1, 0, 0)
    assert not PaymentReference.objects.exists()


def test_what_others_use_or_staff_set_up_stays(importer: Importer) -> None:
    result = importer.orders(portal_order(number="A"))
    importer.orders(portal_order(number="B"))
    undone = undo(result)
    assert undone.tally == (1, 0, 0)
    assert (undone.result["licenses"], undone.result["skus"], undone.result["stores"]) == (0, 0, 0)
    assert (Order.objects.count(), License.objects.count(), Sku.objects.count()) == (1, 1, 2)


def test_a_sku_that_staff_put_under_a_product_stays(importer: Importer) -> None:
    result = importer.orders(portal_order())
    Sku.objects.filter(code="MAX-3D-1Y").update(product=make_product(), product_from_staff=True)
    assert undo(result).tally == (1, 0, 0)
    assert list(Sku.objects.values_list("code", flat=True)) == ["MAX-3D-1Y"]
    assert Store.objects.exists()


def test_a_store_that_staff_named_stays_and_an_unanswered_question_goes_with_its_store(importer: Importer) -> None:
    result = importer.shopify(shopify_row(), shopify_row(Name="#2", Financial_Status="auto-draft"))
    other = importer.shopify(shopify_row(), shopify_row(Name="#2", Financial_Status="auto-draft"), store="other")
    Store.objects.filter(slug="other").update(name="Other shop")
    assert StatusMeaning.objects.count() == 2
    assert undo(result).result["stores"] == 1
    assert undo(other).result["stores"] == 0
    assert [word.store.slug for word in StatusMeaning.objects.all()] == ["other"]


def test_settings_of_staff_are_no_change_of_an_order(importer: Importer) -> None:
    """Return periods, kinds of items and products can be recalculated at any time."""
    result = importer.orders(portal_order())
    product = make_product()
    OrderLine.objects.update(return_until=timezone.now(), kind="other")
    the_order().licensed_lines.update(product=product)
    assert undo(result).tally == (1, 0, 0)


def test_a_deleted_order_is_not_an_obstacle(importer: Importer) -> None:
    result = importer.orders(portal_order(number="A"), portal_order(number="B"))
    the_order("A").delete()
    undone = undo(result)
    assert (undone.exit_status, undone.tally) == (0, (1, 0, 0))
    assert undone.result["state"] == "undone"


def test_many_orders_are_undone_in_batches(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_service, "BATCH_SIZE", 3)
    result = importer.orders(*[portal_order(number=f"A-{number}") for number in range(10)])
    assert undo(result).tally == (10, 0, 0)
    assert not ImportChange.objects.filter(undone_at=None).exists()


def test_an_import_that_is_unknown_or_too_old_is_not_undone(importer: Importer) -> None:
    result = importer.orders(portal_order())
    assert undo(999_999).exit_status == 2
    with time_machine.travel(timezone.now() + timedelta(days=30, seconds=1), tick=False):
        late = undo(result)
    assert late.exit_status == 2
    assert "30 days" in late.said
    assert Order.objects.count() == 1
