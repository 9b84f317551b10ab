"""2Checkout's notifications are verified by their content, and answered with a signed receipt."""

import hashlib
import hmac
import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from intake.models import StoreEvent
from intake.webhooks.providers.twocheckout import with_lengths
from tests.intake.pushing_stores import PushingStore, signed_form

pytestmark = pytest.mark.django_db

FIELDS = [
    ("SALEDATE", "2026-11-01 10:00:00"),
    ("REFNO", "1000037"),
    ("REFNOEXT", ""),
    ("ORDERSTATUS", "COMPLETE"),
    ("FIRSTNAME", "Jürgen"),
    ("IPN_PID[]", "1"),
    ("IPN_PID[]", "2"),
    ("IPN_PNAME[]", "Software program"),
    ("IPN_PNAME[]", "Größere Software"),
    ("IPN_DATE", "20050303123434"),
]
FORM = urlencode(FIELDS)
SHA2, SHA3 = "SIGNATURE_SHA2_256", "SIGNATURE_SHA3_256"


def test_values_are_prefixed_with_their_length_as_in_the_providers_example() -> None:
    """https://verifone.cloud/docs/2checkout, IPN read receipt response."""
    message = with_lengths(["1", "Software program", "20050303123434", "20050303123434"])
    assert message == b"1116Software program14200503031234341420050303123434"
    assert hmac.new(b"AABBCCDDEEFF", message, "md5").hexdigest() == "7bf97ed39681027d0c45aa45e3ea98f0"


@pytest.mark.parametrize(
    ("field_name", "algorithm", "name"), [(SHA2, "sha256", "sha256"), (SHA3, "sha3_256", "sha3-256")]
)
def test_the_receipt_is_signed_as_the_notification_is(field_name: str, algorithm: str, name: str) -> None:
    store = PushingStore("2checkout")
    response = store.push(signed_form(FORM, store.secret, field_name))
    assert response.status_code == 200
    found = re.fullmatch(r'<sig algo="([a-z0-9-]+)" date="(\d{14})">([0-9a-f]{64})</sig>', response.content.decode())
    assert found
    assert found[1] == name
    message = f"1116Software program142005030312343414{found[2]}".encode()
    assert found[3] == hmac.new(store.secret.encode(), message, getattr(hashlib, algorithm)).hexdigest()


def test_a_repeated_notification_is_answered_again_and_stored_once() -> None:
    store = PushingStore("2checkout")
    for field_name in (SHA2, SHA3, SHA2):
        assert b"<sig algo=" in store.push(signed_form(FORM, store.secret, field_name)).content
    assert StoreEvent.objects.get().kind == "COMPLETE"


def test_md5_alone_is_refused() -> None:
    store = PushingStore("2checkout")
    assert store.push(signed_form(FORM, store.secret, "HASH")).status_code == 404


def test_md5_beside_a_signature_is_not_looked_at() -> None:
    store = PushingStore("2checkout")
    body = signed_form(FORM, store.secret) + b"&HASH=0123456789abcdef0123456789abcdef"
    assert store.push(body).status_code == 200


def test_a_wrong_signature_beside_a_right_one_is_refused() -> None:
    store = PushingStore("2checkout")
    assert store.push(signed_form(FORM, store.secret) + f"&{SHA3}={'0' * 64}".encode()).status_code == 404
    assert store.push(signed_form(FORM, store.secret) + f"&{SHA2}={'0' * 64}".encode()).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b"COMPLETE", b"REFUND"),
        lambda body: body + b"&TEST=1",
        lambda body: body + b"&EMPTY=",
        lambda body: body.replace(b"REFNO=1000037&", b""),
        lambda body: b"&".join(reversed(body.split(b"&"))),
        lambda body: body.replace(b"%C3%BC", b"%C3%BD"),
    ],
)
def test_a_changed_added_or_missing_value_is_refused(change: object) -> None:
    store = PushingStore("2checkout")
    body = change(signed_form(FORM, store.secret))  # type: ignore[operator]
    assert store.push(body).status_code == 404
    assert not StoreEvent.objects.exists()


def test_too_many_fields_are_refused() -> None:
    store = PushingStore("2checkout")
    assert store.push(signed_form("a=&" * 5001 + FORM, store.secret)).status_code == 404


@pytest.mark.parametrize("store", ["shop", "nobody"])
def test_get_is_answered_for_any_store_because_2checkout_tries_the_address_with_it(store: str) -> None:
    PushingStore("2checkout")
    response = Client().get(f"/api/stores/{store}/2checkout/")
    assert (response.status_code, response.content) == (200, b"")
