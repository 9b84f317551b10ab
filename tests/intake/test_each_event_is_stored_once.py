"""Each event is stored once, identified by a signed id."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from intake.models import StoreEvent
from tests.intake.pushing_stores import PushingStore, signed_headers

EVENT = {"id": "evt_1", "event_id": "evt_1", "type": "charge.succeeded", "event_type": "transaction.paid"}


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", ["portal", "shopify", "woocommerce", "stripe", "paddle", "lemonsqueezy"])
def test_a_repeated_request_is_answered_in_the_same_way_and_stored_once(format_name: str) -> None:
    store = PushingStore(format_name)
    body = json.dumps(EVENT).encode()
    headers = signed_headers(format_name, store.secret, body)
    answers = [store.push(body, headers=headers) for _number in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert StoreEvent.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("format_name", "kind"), [("stripe", "charge.succeeded"), ("paddle", "transaction.paid")])
def test_a_retry_with_a_new_signature_is_the_same_event(format_name: str, kind: str) -> None:
    store = PushingStore(format_name)
    store.push(EVENT)
    store.push(EVENT | {"pending_webhooks": 1})
    event = StoreEvent.objects.get()
    assert (event.event_id, event.kind) == ("evt_1", kind)


@pytest.mark.django_db
def test_the_same_id_at_another_store_is_another_event() -> None:
    for slug in ("shop", "other"):
        PushingStore("stripe", slug).push(EVENT)
    assert StoreEvent.objects.count() == 2


@pytest.mark.django_db
def test_unsigned_headers_neither_create_nor_suppress_events() -> None:
    store = PushingStore("shopify")
    body = json.dumps(EVENT).encode()
    headers = signed_headers("shopify", store.secret, body)
    for event_id in ("1", "2"):
        store.push(body, headers=headers | {"X-Shopify-Event-Id": event_id, "X-Shopify-Webhook-Id": event_id})
    assert StoreEvent.objects.count() == 1
    other = json.dumps(EVENT | {"id": "evt_2"}).encode()
    signed = signed_headers("shopify", store.secret, other) | {"X-Shopify-Event-Id": "2"}
    store.push(other, headers=signed)
    assert StoreEvent.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("event_id", ["", "x" * 500, "a b", "\x00", "é", 7, None, ["evt_1"], {"a": 1}])
def test_an_id_that_can_not_be_stored_is_replaced_by_the_digest(event_id: object) -> None:
    store = PushingStore("stripe")
    assert store.push({"id": event_id, "type": "x\x00y" * 100}).status_code == 200
    assert StoreEvent.objects.get().event_id.startswith("sha256:")


@pytest.mark.django_db
def test_events_that_fastspring_sends_together_are_stored_one_by_one() -> None:
    store = PushingStore("fastspring")
    first, second = {"id": "a", "type": "order.completed", "data": {}}, {"id": "b", "type": "return.created"}
    store.push({"events": [first, second]})
    store.push({"events": [second, {"id": "c", "type": "order.failed"}]})
    assert list(StoreEvent.objects.order_by("event_id").values_list("event_id", "kind")) == [
        ("a", "order.completed"),
        ("b", "return.created"),
        ("c", "order.failed"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"events": {}}', b'{"events": []}']
)
@pytest.mark.parametrize("format_name", ["stripe", "fastspring", "lemonsqueezy", "paddle"])
def test_a_body_that_is_not_json_is_stored_for_staff(format_name: str, body: bytes) -> None:
    assert PushingStore(format_name).push(body).status_code == 200
    assert StoreEvent.objects.get().event_id.startswith("sha256:")


@pytest.mark.django_db(transaction=True)
def test_racing_duplicates_are_stored_once() -> None:
    store = PushingStore("stripe")
    body = json.dumps(EVENT).encode()
    headers = signed_headers("stripe", store.secret, body)

    def push(_number: int) -> int:
        try:
            return PushingStore.push(store, body, headers=headers).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(push, range(24))) == {200}
    assert StoreEvent.objects.count() == 1
