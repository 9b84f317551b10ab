"""A worker imports store events, and stores the result of each."""

import json
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from intake.models import StatusMeaning, StoreEvent
from intake.services import event_processing
from intake.services.event_processing import LEASE, RETRIED_FOR, delete_expired_events, process_due
from intake.services.store_events import decrypt_body, retry_events
from orders.models import Order
from tests.intake import test_fastspring_orders as fastspring
from tests.intake import test_lemonsqueezy_orders as lemonsqueezy
from tests.intake import test_paddle_orders as paddle
from tests.intake import test_shopify_orders_as_json as shopify
from tests.intake import test_twocheckout_orders as twocheckout
from tests.intake import test_woocommerce_orders as woocommerce
from tests.intake.exports import Importer, portal_order
from tests.intake.import_runs import undo
from tests.intake.pushing_stores import PushingStore, only_event, process, signed_form
from tests.intake.test_stripe_payments import bare_order, charge, event

pytestmark = pytest.mark.django_db


def order(**changes: Any) -> dict[str, Any]:
    return portal_order(store="shop", **changes)


def test_an_order_is_created_and_changed() -> None:
    store = PushingStore("portal")
    store.push(order())
    assert process() == {"taken": 1}
    store.push(order(status="cancelled"))
    assert process() == {"taken": 1}
    assert Order.objects.get().status == "cancelled"
    assert process() == {}
    assert set(StoreEvent.objects.values_list("verdict", "code", "reason")) == {("taken", "", "")}


def test_nothing_is_imported_in_the_request() -> None:
    PushingStore("portal").push(order())
    assert not Order.objects.exists()


def test_several_orders_in_one_event_are_taken_together() -> None:
    store = PushingStore("portal")
    lines = "\n".join(json.dumps(order(number=number)) for number in ("A", "B"))
    store.push(lines.encode())
    assert process() == {"taken": 1}
    assert Order.objects.count() == 2


def test_an_older_event_that_arrives_later_changes_nothing() -> None:
    store = PushingStore("portal")
    store.push(order(updated_at="2026-11-05T10:00:00Z", status="refunded"))
    store.push(order(updated_at="2026-11-04T10:00:00Z", status="completed"))
    assert process() == {"taken": 2}
    assert Order.objects.get().status == "refunded"


def test_the_content_is_stored_encrypted() -> None:
    PushingStore("portal").push(order(password="correct horse battery"))
    stored = only_event()
    assert stored.body is not None
    assert b"horse" not in bytes(stored.body)
    assert b"correct horse battery" in decrypt_body(stored)


@pytest.mark.parametrize(
    ("format_name", "content"),
    [
        ("shopify", shopify.ORDER),
        ("woocommerce", woocommerce.ORDER),
        ("paddle", paddle.event(paddle.transaction())),
        ("fastspring", {"events": [fastspring.event(fastspring.order())]}),
        ("lemonsqueezy", lemonsqueezy.event(lemonsqueezy.order())),
        ("2checkout", twocheckout.form(twocheckout.ipn())),
    ],
)
def test_an_order_of_each_provider_is_taken(format_name: str, content: Any) -> None:
    store = PushingStore(format_name)
    body = signed_form(content.strip(), store.secret) if format_name == "2checkout" else content
    assert store.push(body).status_code == 200
    assert process() == {"taken": 1}, only_event().reason
    assert Order.objects.get().store == store.store


@pytest.mark.parametrize("format_name", ["shopify", "woocommerce", "paddle", "fastspring", "lemonsqueezy", "stripe"])
def test_a_deleted_order_or_another_kind_of_object_is_ignored(format_name: str) -> None:
    content: Any = {"id": 77, "object": "event", "data": {"object": {"object": "product"}}}
    if format_name == "fastspring":
        content = {"events": [{"id": "e", "type": "mailingListEntry.updated", "data": {"email": "a@example.com"}}]}
    elif format_name in ("paddle", "lemonsqueezy"):
        content = {
            "event_type": "product.created",
            "meta": {"event_name": "x"},
            "data": {"id": "pro_1", "type": "products"},
        }
    elif format_name != "stripe":
        content = {"id": 77}
    PushingStore(format_name).push(content)
    assert process() == {"ignored": 1}, only_event().reason


# --- Waiting -------------------------------------------------------------------------------------------


def test_a_payment_waits_for_its_order_and_is_tried_again_by_itself() -> None:
    store = PushingStore("stripe")
    store.push(event(charge(metadata={"order_id": "1001"}), "charge.succeeded") | {"livemode": True})
    assert process() == {"waiting": 1}
    waiting = only_event()
    assert waiting.code == "order_not_found"
    assert waiting.next_try_at is not None
    assert timedelta(0) < waiting.next_try_at - timezone.now() < timedelta(seconds=10)
    assert process() == {}
    bare_order()
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        assert process() == {"taken": 1}
    assert Order.objects.get().card_last4 == "4242"


def test_the_delay_grows_with_the_age_and_ends_after_three_days() -> None:
    store = PushingStore("stripe")
    store.push(event(charge()))
    start, tries = timezone.now(), 0
    now = start
    while now - start < timedelta(days=4):
        with time_machine.travel(now, tick=False):
            tries += len(process())
            due = only_event().next_try_at
        if due is None:
            break
        assert due - now <= timedelta(hours=1.25)
        now = due
    assert RETRIED_FOR <= now - start < RETRIED_FOR + timedelta(hours=2)
    assert 50 < tries < 150
    rejected = only_event()
    assert (rejected.verdict, rejected.code) == ("rejected", "order_not_found")


def test_an_unknown_status_waits_for_the_answer_of_staff() -> None:
    store = PushingStore("shopify")
    store.push(shopify_order(financial_status="half-paid"))
    assert process() == {"waiting": 1}
    waiting = only_event()
    assert (waiting.code, waiting.next_try_at) == ("unknown_status", None)
    question = StatusMeaning.objects.get()
    assert (question.word, question.meaning) == ("half-paid", "")
    with time_machine.travel(timezone.now() + timedelta(days=9)):
        assert process() == {}
        StatusMeaning.objects.update(meaning="pending")
        assert process() == {"taken": 1}
    assert Order.objects.get().status == "pending"


def test_an_answer_for_another_store_or_word_wakes_nothing() -> None:
    PushingStore("shopify").push(shopify_order(financial_status="half-paid"))
    process()
    other = PushingStore("shopify", "other").store
    StatusMeaning.objects.create(store=other, format="shopify", word="half-paid", meaning="pending")
    StatusMeaning.objects.create(store=only_event().store, format="shopify", word="else", meaning="pending")
    assert process() == {}


def test_what_staff_call_no_order_is_ignored() -> None:
    store = PushingStore("shopify")
    StatusMeaning.objects.create(store=store.store, format="shopify", word="half-paid", meaning="not_an_order")
    store.push(shopify_order(financial_status="half-paid"))
    assert process() == {"ignored": 1}


def shopify_order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 5123456789012,
        "name": "#1001",
        "email": "ann@example.com",
        "created_at": "2026-11-01T10:00:00+01:00",
        "updated_at": "2026-11-01T10:00:05+01:00",
        "currency": "EUR",
        "financial_status": "paid",
        "total_price": "79.95",
        "line_items": [{"id": 1, "name": "Maximum Security", "sku": "MAX", "quantity": 1, "price": "79.95"}],
    } | changes


# --- Rejected and ignored ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid"),
        (b"[]", "invalid"),
        (b"\n", "invalid"),
        (b"\xff\xfe\x00", "invalid"),
        (json.dumps(portal_order(store="shop", currency="euro")).encode(), "unknown_currency"),
        (json.dumps(portal_order(store="shop", email=7)).encode(), "invalid"),
    ],
)
def test_an_event_that_is_not_an_order_is_rejected_with_a_reason(body: bytes, code: str) -> None:
    PushingStore("portal").push(body)
    process()
    rejected = only_event()
    assert (rejected.verdict, rejected.code) == ("rejected", code)
    assert rejected.reason
    assert rejected.finished_at


def test_an_event_that_is_not_about_an_order_is_ignored() -> None:
    store = PushingStore("stripe")
    store.push(
        {"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {"object": "customer"}}}
    )
    assert process() == {"ignored": 1}
    assert only_event().code == "not_an_order"


def test_an_event_in_test_mode_is_ignored_at_once() -> None:
    bare_order()
    store = PushingStore("stripe")
    store.push(event(charge(metadata={"order_id": "1001"})) | {"livemode": False})
    assert process() == {}
    assert (only_event().verdict, only_event().code) == ("ignored", "test_mode")
    assert Order.objects.get().card_last4 == ""


def test_a_card_number_is_rejected_and_masked_in_what_is_kept() -> None:
    store = PushingStore("portal")
    store.push(order(billing={"name": "4111 1111 1111 1111"}))
    assert process() == {"rejected": 1}
    rejected = only_event()
    assert rejected.code == "card_number"
    assert b"1111 1111 1111" not in decrypt_body(rejected)
    assert retry_events(StoreEvent.objects.all()) == 0


def test_an_event_encrypted_with_a_lost_key_is_rejected(settings: Any) -> None:
    PushingStore("portal").push(order())
    settings.SECRET_KEY = "another-" + "z" * 50
    assert process() == {"rejected": 1}
    assert only_event().code == "unreadable"


# --- Errors ----------------------------------------------------------------------------------------------


def test_a_database_that_can_not_be_used_is_tried_again() -> None:
    PushingStore("portal").push(order())
    with mock.patch.object(event_processing, "import_body", side_effect=OperationalError):
        assert process() == {"waiting": 1}
    assert only_event().code == "database"
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        assert process() == {"taken": 1}


def test_a_fault_of_the_portal_is_logged_tried_again_and_holds_up_no_other_event(caplog: Any) -> None:
    store = PushingStore("portal")
    store.push(order())
    store.push(order(number="B"))
    real = event_processing.import_body

    def fail_once(feed: Any, context: Any, body: bytes) -> Any:
        if b"A-1001" in body:
            raise RuntimeError("boom")
        return real(feed, context, body)

    with mock.patch.object(event_processing, "import_body", fail_once):
        assert process() == {"waiting": 1, "taken": 1}
    assert "could not be imported" in caplog.text
    assert StoreEvent.objects.get(verdict="waiting").code == "failed"


def test_an_event_of_a_worker_that_died_is_taken_after_its_lease() -> None:
    PushingStore("portal").push(order())
    with (
        mock.patch.object(event_processing, "import_body", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        process()
    assert process() == {}
    with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1)):
        assert process() == {"taken": 1}


def test_a_late_result_of_a_lost_lease_changes_nothing() -> None:
    PushingStore("portal").push(order())
    real = event_processing.import_body

    def overtaken(*args: Any) -> Any:
        report = real(*args)
        StoreEvent.objects.update(tries=7, verdict="taken", finished_at=timezone.now(), next_try_at=None, code="x")
        return report

    with mock.patch.object(event_processing, "import_body", overtaken):
        process()
    assert (only_event().tries, only_event().code) == (7, "x")


def test_nothing_is_claimed_after_the_time_is_over() -> None:
    PushingStore("portal").push(order())
    assert process_due(timezone.now()) == {}


# --- Undo and retention --------------------------------------------------------------------------------


def test_an_undo_notices_what_an_event_changed_later(importer: Importer) -> None:
    store = PushingStore("portal")
    result = importer.orders(order(), order(number="B"))
    store.push(order(status="cancelled"))
    process()
    undone = undo(result)
    assert undone.tally == (1, 0, 1)
    assert "changed" in undone.codes["A-1001"] or "later_import" in undone.codes["A-1001"]
    assert Order.objects.get().number == "A-1001"


def test_an_undo_keeps_a_store_that_pushes_events(importer: Importer) -> None:
    result = importer.orders(order())
    PushingStore("portal").push(order(number="B"))
    undo(result)
    assert not Order.objects.exists()
    assert process() == {"taken": 1}


def test_content_is_deleted_after_30_days_and_verdicts_after_180() -> None:
    store = PushingStore("portal")
    store.push(order())
    process()
    PushingStore("stripe").push(event(charge()))
    now = timezone.now()
    for days, bodies, rows in ((29, 2, 2), (31, 0, 2), (179, 0, 2), (181, 0, 0)):
        with time_machine.travel(now + timedelta(days=days)):
            delete_expired_events(timezone.now() + timedelta(seconds=30))
        assert (StoreEvent.objects.exclude(body=None).count(), StoreEvent.objects.count()) == (bodies, rows)
        if days == 31:
            verdicts = set(StoreEvent.objects.values_list("verdict", "code"))
            assert verdicts == {("taken", ""), ("rejected", "expired")}
            assert retry_events(StoreEvent.objects.all()) == 0
