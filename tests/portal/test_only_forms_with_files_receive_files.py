"""A body with files is read only for forms with file fields, after all checks that don't need it."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from support.models import Thread
from tests.files.factories import png, upload
from tests.support.submissions import MESSAGE_FORM, submit_message

pytestmark = pytest.mark.django_db

MEGABYTE = 1024**2
SAMPLES = {
    "uuid": "33679de9-f471-429b-a96b-bae11c767055",
    "slug": "M-ZZZZZZZZ",
    "int": "7",
    "str": "x",
    "token": "7.abc",
    "path": "7",
}
TAKE_FILES = {"/help/contact/", "/help/charged/", "/help/threads/M-ZZZZZZZZ/", "/cashback/"}
TOKEN = "x" * 32  # anyone can make up a cookie and a matching token


class UnreadableBody(io.RawIOBase):
    """A body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("it was read")


def all_paths(resolver: Any = None, prefix: str = "/") -> Iterator[str]:
    """Return one path for each URL of the portal, without those of single models in the admin."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not (prefix == "/admin/" and route):
                yield from all_paths(pattern, prefix + route)
        elif isinstance(pattern, URLPattern) and "^" not in route:
            for name, converter in pattern.pattern.converters.items():
                kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
                route = route.replace(f"<{kind}:{name}>", SAMPLES.get(kind, "x")).replace(f"<{name}>", "x")
            yield prefix + route


def send(path: str, size: int, **headers: str) -> int:
    """Send a body that fails the test if it is read. Returns the status."""
    browser = Client(enforce_csrf_checks=True)
    sent = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(size)}
    return browser.generic("POST", path, **sent | headers | {"wsgi.input": UnreadableBody()}).status_code


@pytest.mark.parametrize("path", sorted({*all_paths(), "/no-such-page/"}))
def test_without_the_csrf_cookie_no_large_body_is_read(path: str) -> None:
    status = send(path, 50 * MEGABYTE)
    assert status == (403 if path in TAKE_FILES else 413)


@pytest.mark.parametrize("path", sorted({*all_paths(), "/no-such-page/"} - TAKE_FILES))
def test_with_a_made_up_cookie_only_forms_with_files_read_a_large_body(path: str) -> None:
    assert send(path, 50 * MEGABYTE, HTTP_COOKIE=f"csrftoken={TOKEN}") == 413


def test_all_forms_with_files_are_listed_above() -> None:
    assert set(all_paths()) >= TAKE_FILES
    taking = {path for path in all_paths() if send(path, 3 * MEGABYTE) == 403}
    assert taking == TAKE_FILES


def test_files_sent_to_other_pages_are_not_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("files.upload_limits.tempfile.SpooledTemporaryFile", _fail)
    answer = client.post("/orders/find/link/", {"email": "not an address", "file": upload(png())})
    assert answer.status_code == 422
    assert 'value="not an address"' in answer.content.decode()


def test_files_of_a_client_over_its_rate_limit_are_not_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(20):
        client.post("/help/contact/", {})
    monkeypatch.setattr("files.upload_limits.tempfile.SpooledTemporaryFile", _fail)
    answer = client.post("/help/contact/", MESSAGE_FORM | {"files": upload(png())})
    assert answer.status_code == 429
    assert "It says error 7." in answer.content.decode()


def test_files_for_a_thread_are_read_only_for_those_who_may_open_it() -> None:
    thread = submit_message(Client())
    assert send(thread.path, MEGABYTE, HTTP_COOKIE=f"csrftoken={TOKEN}") == 403


def test_files_for_cashback_are_kept_only_for_those_who_opened_an_order(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.upload_limits.tempfile.SpooledTemporaryFile", _fail)
    assert client.post("/cashback/", {"country": "DE", "proof": upload(png())}).status_code == 422


def test_the_csrf_token_of_forms_with_files_is_checked() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/help/contact/")
    assert browser.post("/help/contact/", MESSAGE_FORM).status_code == 403
    assert not Thread.objects.exists()
    token = browser.cookies["csrftoken"].value
    assert browser.post("/help/contact/", MESSAGE_FORM | {"csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.parametrize("path", ["/help/contact/", "/orders/find/link/", "/no-such-page/"])
def test_a_body_without_a_length_is_refused(path: str) -> None:
    assert send(path, 0, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked") == 411


def test_large_files_wait_in_the_folder_for_temporary_files_and_not_in_memory(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    seen: list[dict[str, Any]] = []

    def record(**options: Any) -> io.BytesIO:
        seen.append(options)
        return io.BytesIO()

    monkeypatch.setattr("files.upload_limits.tempfile.SpooledTemporaryFile", record)
    client.post("/help/contact/", MESSAGE_FORM | {"files": upload(png())})
    assert seen == [{"max_size": 64 * 1024, "dir": str(tmp_path)}]


def _fail(**_options: object) -> None:
    raise AssertionError("it was kept")
