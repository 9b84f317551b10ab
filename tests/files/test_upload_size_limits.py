"""Large files are discarded while they are received; far too large requests are refused before they are read."""

import errno
import io
import socket
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from files.rejection_reasons import RejectionReason
from files.upload_limits import LimitedUploadHandler, RejectedUpload, max_request_bytes
from tests.files import factories
from tests.pages import text

GIGABYTE = 1024**3


class UnreadableBody(io.RawIOBase):
    """A body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("it was read")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/orders/find/link/", "/", "/no-such-page/"])
def test_a_gigabyte_is_refused_before_it_is_read(client: Client, path: str) -> None:
    answer = client.generic(
        "POST",
        path,
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(GIGABYTE),
        **{"wsgi.input": UnreadableBody()},
    )
    assert answer.status_code == 413
    assert "larger than 10 MB" in text(answer)
    assert "a screenshot, a photo in lower quality, or only the pages we need." in text(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("length", ["", "-1", "many", "²", "0"])
def test_an_invalid_content_length_is_ignored(client: Client, length: str) -> None:
    answer = client.generic("POST", "/orders/find/link/", b"email=x", CONTENT_LENGTH=length)
    assert answer.status_code < 500


def test_a_request_with_the_maximum_of_files_is_read(settings: Settings) -> None:
    assert max_request_bytes() > 10 * settings.UPLOAD_MAX_BYTES


def receive_upload(content: bytes) -> Any:
    """Return what a form gets for a file with this content."""
    request = RequestFactory().post("/", {"proof": factories.upload(content)})
    request.upload_handlers = [LimitedUploadHandler(request)]
    return request.FILES["proof"]


def test_a_large_file_is_discarded(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 100_000
    upload = receive_upload(b"x" * 5_000_000)
    assert isinstance(upload, RejectedUpload)
    assert (upload.rejection_reason, upload.size, upload.read()) == (RejectionReason.TOO_LARGE, 0, b"")
    assert receive_upload(b"x" * 100_000).size == 100_000


def test_a_full_disk_during_the_upload_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class FullFile(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("files.upload_limits.tempfile.SpooledTemporaryFile", lambda **_options: FullFile())
    upload = receive_upload(factories.jpeg())
    assert isinstance(upload, RejectedUpload)
    assert upload.rejection_reason == RejectionReason.NOT_STORED


def test_an_interrupted_upload_closes_its_temporary_file() -> None:
    handler = LimitedUploadHandler()
    handler.new_file("proof", "x.jpg", "image/jpeg", None)
    buffer = handler.buffer
    handler.receive_data_chunk(b"x", 0)
    handler.upload_interrupted()
    assert buffer is not None
    assert buffer.closed


@pytest.mark.django_db(transaction=True)
def test_the_refusal_is_sent_before_the_body_arrives(live_server: Any) -> None:
    with socket.create_connection((live_server.thread.host, live_server.thread.port), timeout=10) as browser:
        browser.sendall(
            b"POST /orders/find/link/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n--x" % GIGABYTE
        )
        assert b"413" in browser.recv(1000).split(b"\r\n")[0]
