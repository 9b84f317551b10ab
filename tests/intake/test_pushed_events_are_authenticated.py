"""Only the store can send its events. All other requests get the same response, and nothing of them is stored."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from intake.models import StoreEvent, WebhookSecret
from intake.services.store_events import add_secret, count_refusals
from intake.webhooks.providers import PROVIDERS
from orders.models import RateLimitCounter
from tests.factories import make_store
from tests.intake.exports import portal_order
from tests.intake.pushing_stores import (
    FORM,
    JSON,
    SECRET,
    PushingStore,
    only_event,
    process,
    signed_form,
    signed_headers,
)

pytestmark = pytest.mark.django_db

BODY = json.dumps({"id": "evt_1", "event_id": "evt_1", "type": "ping"}).encode()
IPN = "SALEDATE=2026-11-01 10:00:00&REFNO=77&ORDERSTATUS=COMPLETE&IPN_PID[]=1&IPN_PNAME[]=Größe&IPN_DATE=20261101"
TIMED = ["portal", "stripe", "paddle"]
UNTIMED = ["shopify", "woocommerce", "fastspring", "lemonsqueezy"]
SIGNED_BODIES = [*TIMED, *UNTIMED]


def body_of(format_name: str, secret: str = SECRET) -> bytes:
    return signed_form(IPN, secret) if format_name == "2checkout" else BODY


def unknown() -> HttpResponse:
    return Client().post("/api/stores/nobody/stripe/", BODY, content_type=JSON)


def assert_refused(response: HttpResponse) -> None:
    """The response is the same as for an unknown store, and nothing is stored."""
    expected = unknown()
    assert (response.status_code, response.content) == (404, expected.content)
    assert response.headers["Content-Type"] == expected.headers["Content-Type"]
    assert not StoreEvent.objects.exists()


@pytest.mark.parametrize("format_name", PROVIDERS)
def test_a_signed_event_is_stored(format_name: str) -> None:
    store = PushingStore(format_name)
    assert store.push(body_of(format_name)).status_code == 200
    event = StoreEvent.objects.get()
    assert (event.store, event.format, event.verdict) == (store.store, format_name, "waiting")


@pytest.mark.parametrize("format_name", PROVIDERS)
def test_without_a_signature_it_is_refused(format_name: str) -> None:
    store = PushingStore(format_name)
    body = IPN.encode() if format_name == "2checkout" else BODY
    assert_refused(store.push(body, headers={}))


@pytest.mark.parametrize("format_name", PROVIDERS)
def test_the_secret_of_another_store_opens_nothing(format_name: str) -> None:
    store, other = PushingStore(format_name, secret=""), make_store(slug="other")
    secret = "whsec_" + "B" * 43 + "=" if format_name == "portal" else "the-secret-of-another-store"
    add_secret(other, PROVIDERS[format_name], secret)
    body = body_of(format_name, secret)
    headers = signed_headers(format_name, secret, body)
    assert_refused(store.push(body, headers=headers))
    assert_refused(store.push(body_of(format_name, "x" * 20), headers=signed_headers("stripe", "x" * 20, body)))


@pytest.mark.parametrize("format_name", SIGNED_BODIES)
@pytest.mark.parametrize("changed", [BODY + b" ", BODY[:-1], BODY.replace(b"ping", b"pong"), b"", b"\x00" + BODY])
def test_a_changed_body_is_refused(format_name: str, changed: bytes) -> None:
    store = PushingStore(format_name)
    assert_refused(store.push(changed, headers=signed_headers(format_name, store.secret, BODY)))


@pytest.mark.parametrize("format_name", SIGNED_BODIES)
def test_each_part_of_a_signature_counts(format_name: str) -> None:
    store = PushingStore(format_name)
    headers = signed_headers(format_name, store.secret, BODY)
    for name in [name for name in headers if "opic" not in name and "Event-Name" not in name]:
        value = headers[name]
        for other in ("", "x", value[:-1], value + "0", value.swapcase() + "é", "A" * 7000):
            if format_name == "stripe" and other == value + "0":
                continue  # v0 in Stripe's header is not a valid signature
            if format_name == "stripe" and other == value[:-1]:
                continue
            assert_refused(store.push(BODY, headers=headers | {name: other}))
        assert_refused(store.push(BODY, headers={other: headers[other] for other in headers if other != name}))


@pytest.mark.parametrize("format_name", PROVIDERS)
def test_the_address_of_another_format_takes_nothing(format_name: str) -> None:
    store = PushingStore(format_name)
    body = body_of(format_name)
    for other in PROVIDERS.keys() - {format_name}:
        if other not in ("stripe", "portal"):
            add_secret(store.store, PROVIDERS[other], "another-secret-of-this-store")
        assert_refused(store.push(body, path=f"/api/stores/shop/{other}/"))


@pytest.mark.parametrize(
    "path",
    [
        "/api/stores/shop2/stripe/",
        "/api/stores/SHOP/stripe/",
        "/api/stores/shop/gumroad/",
        "/api/stores/shop/digitalriver/",
        "/api/stores/shop/nothing/",
        "/api/stores/" + "x" * 500 + "/stripe/",
    ],
)
def test_unknown_stores_and_formats_are_answered_alike(path: str) -> None:
    assert_refused(PushingStore("stripe").push(BODY, path=path))


@pytest.mark.parametrize("slug", ["shop%00", "sh%20op", "%E2%80%AEshop", "..", "sh'op"])
def test_an_invalid_short_name_of_a_store_is_not_found(slug: str) -> None:
    assert PushingStore("stripe").push(BODY, path=f"/api/stores/{slug}/stripe/").status_code == 404
    assert not StoreEvent.objects.exists()


def test_a_store_without_a_secret_is_answered_as_an_unknown_one() -> None:
    store = PushingStore("stripe")
    WebhookSecret.objects.all().delete()
    assert_refused(store.push(BODY))


def test_the_secret_for_unknown_stores_opens_no_store() -> None:
    dummy = f"whsec_{'A' * 43}="
    for format_name in PROVIDERS:
        store = PushingStore(format_name)
        body = body_of(format_name, dummy)
        assert_refused(store.push(body, headers=signed_headers(format_name, dummy, body)))
        path = f"/api/stores/nobody/{format_name}/"
        assert_refused(store.push(body, headers=signed_headers(format_name, dummy, body), path=path))


@pytest.mark.parametrize("format_name", TIMED)
@pytest.mark.parametrize("seconds", [-100_000, -301, 301, 100_000])
def test_more_than_five_minutes_off_is_refused(format_name: str, seconds: int) -> None:
    store = PushingStore(format_name)
    headers = signed_headers(format_name, store.secret, BODY, now=int(timezone.now().timestamp()) + seconds)
    assert_refused(store.push(BODY, headers=headers))


@pytest.mark.parametrize("format_name", TIMED)
@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_off_is_accepted(format_name: str, seconds: int) -> None:
    store = PushingStore(format_name)
    with time_machine.travel(timezone.now(), tick=False):
        headers = signed_headers(format_name, store.secret, BODY, now=int(timezone.now().timestamp()) + seconds)
        assert store.push(BODY, headers=headers).status_code == 200


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "१७०००००००", "1" * 400, "1700000000.5"])
def test_an_invalid_timestamp_is_refused(timestamp: str) -> None:
    store = PushingStore("portal")
    headers = signed_headers("portal", store.secret, BODY)
    assert_refused(store.push(BODY, headers=headers | {"webhook-timestamp": timestamp}))


def test_two_timestamps_of_stripe_are_refused() -> None:
    store = PushingStore("stripe")
    headers = signed_headers("stripe", store.secret, BODY, now=1)
    fresh = f"t={int(timezone.now().timestamp())},{headers['Stripe-Signature']}"
    assert_refused(store.push(BODY, headers={"Stripe-Signature": fresh}))


@pytest.mark.parametrize(("format_name", "joint"), [("stripe", ",v1="), ("paddle", ";h1=")])
def test_one_of_several_signatures_is_enough(format_name: str, joint: str) -> None:
    store = PushingStore(format_name)
    headers = signed_headers(format_name, store.secret, BODY)
    name, value = next(iter(headers.items()))
    assert store.push(BODY, headers={name: value + joint + "0" * 64}).status_code == 200
    assert_refused_only(store, {name: value + (joint + "0" * 64) * 20})


def assert_refused_only(store: PushingStore, headers: dict[str, str]) -> None:
    before = StoreEvent.objects.count()
    assert store.push(BODY, headers=headers).status_code == 404
    assert StoreEvent.objects.count() == before


@pytest.mark.parametrize("format_name", PROVIDERS)
def test_two_secrets_are_valid_while_one_replaces_the_other(format_name: str) -> None:
    store = PushingStore(format_name)
    newer = "whsec_" + "C" * 43 + "=" if format_name == "portal" else "the-newer-secret-of-it"
    row, _text = add_secret(store.store, PROVIDERS[format_name], newer)
    for secret in (store.secret, newer):
        body = body_of(format_name, secret)
        headers = signed_headers(format_name, secret, body, event_id=secret[-8:])
        assert store.push(body, headers=headers).status_code == 200
    row.delete()
    before = StoreEvent.objects.count()
    body = body_of(format_name, newer)
    assert store.push(body, headers=signed_headers(format_name, newer, body)).status_code == 404
    assert StoreEvent.objects.count() == before


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_other_methods_are_refused(method: str) -> None:
    store = PushingStore("stripe")
    headers = signed_headers("stripe", store.secret, BODY)
    response = getattr(store.client, method)(store.path, headers=headers)
    assert response.status_code == 404
    assert not StoreEvent.objects.exists()


@pytest.mark.parametrize("content_type", [FORM, "text/plain", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_refused(content_type: str) -> None:
    assert_refused(PushingStore("stripe").push(BODY, content_type=content_type))


def test_json_for_2checkout_is_refused() -> None:
    store = PushingStore("2checkout")
    assert_refused(store.push(signed_form(IPN, store.secret), content_type=JSON))
    assert_refused(store.push(BODY))


def test_a_charset_in_the_content_type_is_accepted() -> None:
    store = PushingStore("stripe")
    assert store.push(BODY, content_type="application/json; charset=utf-8").status_code == 200


@pytest.mark.parametrize("path", ["/api/stores/shop/stripe/", "/api/stores/nobody/stripe/"])
def test_a_body_of_more_than_two_megabytes_is_refused_with_a_sentence(path: str) -> None:
    store = PushingStore("stripe")
    response = store.push(b"x" * (2 * 1024 * 1024 + 1), path=path)
    assert response.status_code == 413
    assert response.json()["message"] == "The body is larger than 2 MB. Nothing was stored."
    assert not StoreEvent.objects.exists()


def test_a_body_of_two_megabytes_is_stored() -> None:
    store = PushingStore("shopify")
    assert store.push(b'"' + b"x" * (2 * 1024 * 1024 - 2) + b'"').status_code == 200


def test_an_address_without_the_last_slash_is_the_same() -> None:
    store = PushingStore("stripe")
    assert store.push(BODY, path="/api/stores/shop/stripe").status_code == 200


def test_refused_requests_are_counted_up_to_a_limit_and_keep_no_event_out() -> None:
    store = PushingStore("stripe")
    for _number in range(3):
        store.push(BODY, headers={})
    Client().post("/api/stores/nobody/stripe/", BODY, content_type=JSON)
    assert count_refusals(store.store.pk, "stripe", timezone.now()) == 3
    assert count_refusals(store.store.pk, "stripe", timezone.now() + timedelta(days=2)) == 0
    for _number in range(520):
        store.push(BODY, headers={})
    assert count_refusals(store.store.pk, "stripe", timezone.now()) == 500
    assert store.push(BODY).status_code == 200


def test_made_up_stores_fill_no_table() -> None:
    for number in range(20):
        Client().post(f"/api/stores/made-up-{number}/stripe/", BODY, content_type=JSON)
    assert RateLimitCounter.objects.count() == 1


def test_an_order_of_another_store_is_rejected() -> None:
    store = PushingStore("portal")
    make_store(slug="acme-eu")
    assert store.push(portal_order()).status_code == 200
    assert process() == {"rejected": 1}
    assert "another store" in only_event().reason
