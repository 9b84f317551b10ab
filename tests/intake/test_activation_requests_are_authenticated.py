"""A request without a key, or with an invalid body, changes nothing and gets a clear response."""

import json
import time
from typing import Any

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import Client

from intake.webhooks.activations import MAX_BYTES
from licenses.models import ActivationEvent, Device, License
from tests.factories import make_license, make_line, make_order
from tests.intake.activation_server import ADDRESS, AT, SECRET, ActivationServer, body_of, event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def license() -> License:
    return make_license(make_line(make_order()), "XAAB-0001")


def assert_refused(answer: HttpResponse, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["message"]
    assert answer["Content-Type"] == "application/json"
    assert not Device.objects.exists()
    assert not ActivationEvent.objects.exists()
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("header", ["X-Key-Id", "X-Timestamp", "X-Signature"])
def test_a_missing_header_is_named(server: ActivationServer, header: str) -> None:
    answer = server.send(body_of(event()), **{header: ""})
    assert_refused(answer, 401, "unsigned")
    assert header in answer.json()["message"]


@pytest.mark.parametrize("signature", ["0" * 64, "abc", "ünïcode", "sha256=" + "0" * 64, "0" * 10_000])
def test_a_wrong_signature_is_refused(server: ActivationServer, signature: str) -> None:
    assert_refused(server.send(body_of(event()), X_Signature=signature), 401, "signature")


def test_an_unknown_key_is_answered_like_a_wrong_signature(server: ActivationServer) -> None:
    wrong = ActivationServer(secret="another secret of at least 32 characters").send(body_of(event()))
    unknown = ActivationServer(key_id="nobody").send(body_of(event()))
    assert_refused(unknown, 401, "signature")
    assert wrong.content == unknown.content


def test_requests_are_refused_if_no_key_is_set(server: ActivationServer, settings: Any) -> None:
    settings.ACTIVATION_KEYS = {}
    assert_refused(server.send(body_of(event())), 401, "signature")
    assert_refused(ActivationServer(secret="0" * 64).send(body_of(event())), 401, "signature")


def test_an_unsigned_request_makes_no_query(server: ActivationServer, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        server.send(body_of(event()), X_Signature="0" * 64)


def test_one_changed_byte_of_the_body_is_refused(server: ActivationServer) -> None:
    body = body_of(event())
    headers = server.headers(body)
    changed = Client().post(ADDRESS, body + b" ", content_type="application/json", headers=headers)
    assert_refused(changed, 401, "signature")


def test_another_timestamp_needs_another_signature(server: ActivationServer) -> None:
    body = body_of(event())
    stolen = server.headers(body, str(int(time.time()) - 10))["X-Signature"]
    assert_refused(server.send(body, X_Signature=stolen), 401, "signature")


@pytest.mark.parametrize(("seconds", "status"), [(-330, 401), (-270, 200), (270, 200), (330, 401)])
def test_the_clock_may_be_five_minutes_off(server: ActivationServer, seconds: int, status: int) -> None:
    body = body_of(event())
    answer = server.send(body, **server.headers(body, str(int(time.time()) + seconds)))
    assert answer.status_code == status
    if status == 401:
        assert_refused(answer, 401, "clock")
        assert "clock" in answer.json()["message"]


@pytest.mark.parametrize("timestamp", ["now", "1.5", "-1", "٣٤٥", "9" * 13, "2026-11-02T08:00:00Z"])
def test_a_timestamp_is_seconds(server: ActivationServer, timestamp: str) -> None:
    body = body_of(event())
    assert server.send(body, X_Timestamp=timestamp).status_code == 401


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_only_post_is_answered(server: ActivationServer, method: str) -> None:
    answer = getattr(Client(), method)(ADDRESS)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


def test_no_cookie_is_set_or_required(server: ActivationServer) -> None:
    answer = server.send(body_of(event()))
    assert answer.status_code == 200
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]


def test_a_large_body_is_refused_before_it_is_judged(server: ActivationServer) -> None:
    answer = server.send(b" " * (MAX_BYTES + 1), X_Signature="0" * 64)
    assert_refused(answer, 413, "too_large")
    assert_refused(server.send(b" " * (3 * 1024 * 1024)), 413, "too_large")


def test_a_body_of_just_the_allowed_size_is_read(server: ActivationServer) -> None:
    body = body_of(event())
    assert server.send(body + b" " * (MAX_BYTES - len(body))).status_code == 200


def test_no_body_is_refused(server: ActivationServer) -> None:
    assert_refused(server.send(b""), 400, "empty")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"events": null}',
        b'{"events": {}}',
        b'{"events": [1]}',
        b'{"events": [], "more": 1}',
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"events": ["\\ud800"]}',
    ],
)
def test_an_invalid_body_is_refused(server: ActivationServer, body: bytes) -> None:
    answer = server.send(body)
    assert_refused(answer, 400, "invalid")
    assert answer.json()["problems"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "stolen"},
        {"id": ""},
        {"id": 5},
        {"id": "x" * 101},
        {"serial": ""},
        {"serial": "X" * 101},
        {"serial": "X\u0000"},
        {"device": " "},
        {"device": "x" * 201},
        {"name": "x" * 201},
        {"name": "two\nlines"},
        {"name": "\u202eexe.piz"},
        {"platform": None},
        {"at": "yesterday"},
        {"at": "2026-11-02T08:15:00"},
        {"at": 1793606400},
        {"at": "1793606400"},
        {"at": "1800-01-01T00:00:00Z"},
        {"at": "2199-01-01T00:00:00Z"},
        {"unknown": 1},
    ],
)
def test_one_wrong_event_is_reported_and_the_batch_refused(server: ActivationServer, wrong: dict[str, Any]) -> None:
    answer = server.send(body_of(event(), event(**wrong)))
    assert_refused(answer, 400, "invalid")
    assert answer.json()["problems"][0]["at"].startswith("events.1.")


def test_missing_headers_are_named(server: ActivationServer) -> None:
    for name in ("id", "type", "serial", "device", "at"):
        incomplete = event()
        del incomplete[name]
        answer = server.send(body_of(incomplete))
        assert_refused(answer, 400, "invalid")
        assert answer.json()["problems"] == [{"at": f"events.0.{name}", "problem": "Field required"}]


def test_more_than_five_hundred_events_are_refused(server: ActivationServer) -> None:
    short = [{"id": str(n), "type": "seen", "serial": "X1", "device": "d", "at": AT} for n in range(501)]
    assert_refused(server.send(body_of(*short)), 400, "invalid")
    assert server.send(body_of(*short[:500])).status_code == 200


def test_names_in_any_script_are_kept(server: ActivationServer) -> None:
    server.report(event(name="Ноутбук Анны 💻", platform="Окна"), event(serial="ХАAB-0001", device="look-alike"))
    device = Device.objects.get()  # the second serial number begins with Cyrillic letters, so it doesn't exist
    assert (device.name, device.platform) == ("Ноутбук Анны 💻", "Окна")
    raw = json.dumps({"events": [event(name="Бук", device="raw")]}, ensure_ascii=False).encode()
    assert server.send(raw).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_license_that_is_being_changed_is_not_waited_for_without_end(
    server: ActivationServer, license: License, settings: Any
) -> None:
    other = connections.create_connection("default")
    try:
        with transaction.atomic():
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("SELECT 1 FROM licenses_license WHERE id = %s FOR UPDATE", [license.pk])
            answer = server.send(body_of(event()))
    finally:
        other.rollback()
        other.close()
    assert_refused(answer, 503, "busy")
    assert answer["Retry-After"] == "5"
    assert server.send(body_of(event())).status_code == 200
