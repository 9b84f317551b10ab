import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from portal.demo import mailbox

PATHS = ["/demo/inbox/", "/demo/inbox/{name}/", "/demo/inbox/{name}/html/"]
INVALID_NAMES = [
    "nothing",
    "..",
    "%2e%2e",
    "demo.env",
    "20261101T090000.000000Z-00000000.eml",
    "x" * 300,
    "%00",
    "ü.eml",
]


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DEMO_MAIL_DIR = tmp_path / "mail"
    return tmp_path / "mail"


def store_email(folder: Path, subject: str = "Your order A-1001") -> str:
    """Store an email with plain text and HTML. Returns its file name."""
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Acme <orders@example.com>"
    message["To"] = "Ann Beispiel <ann@example.com>"
    message["Date"] = "Sun, 01 Nov 2026 10:00:00 +0100"
    message.set_content("Plain words: https://example.com/access/abc")
    message.add_alternative(
        "<html><head></head><body><b>Rich</b> words <script>1</script></body></html>", subtype="html"
    )
    return mailbox.store_email(folder, bytes(message)).name


@pytest.mark.django_db
def test_the_inbox_lists_sender_recipient_subject_and_date_newest_first(client: Client, folder: Path) -> None:
    store_email(folder, "First")
    store_email(folder, "Second <b>bold</b>")
    text = client.get("/demo/inbox/").content.decode()
    assert text.index("Second &lt;b&gt;") < text.index("First")
    for word in ("orders@example.com", "ann@example.com", "2026-11-01T09:00:00+00:00"):
        assert word in text


@pytest.mark.django_db
def test_an_empty_inbox_shows_a_message(client: Client, folder: Path) -> None:
    assert "No emails yet." in client.get("/demo/inbox/").content.decode()


@pytest.mark.django_db
def test_the_inbox_is_paginated(client: Client, folder: Path) -> None:
    for number in range(51):
        store_email(folder, f"Mail {number}")
    assert "Older" in client.get("/demo/inbox/").content.decode()
    assert client.get("/demo/inbox/?page=2").content.decode().count("list-group-item") == 1
    assert client.get("/demo/inbox/?page=nonsense").status_code == 200


@pytest.mark.django_db
def test_an_email_is_shown_with_text_headers_and_a_sandboxed_frame(client: Client, folder: Path) -> None:
    name = store_email(folder)
    answer = client.get(f"/demo/inbox/{name}/")
    text = answer.content.decode()
    assert "Plain words" in text
    assert "Content-Type" in text
    frame = re.search(r"<iframe[^>]*>", text)
    assert frame
    assert f'src="/demo/inbox/{name}/html/"' in frame[0]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_frame_runs_no_scripts_and_can_be_embedded_by_the_site(client: Client, folder: Path) -> None:
    name = store_email(folder)
    answer = client.get(f"/demo/inbox/{name}/html/")
    policy = answer.headers["Content-Security-Policy"]
    assert "<b>Rich</b>" in answer.content.decode()
    assert '<base target="_blank">' in answer.content.decode()
    assert "sandbox allow-popups" in policy
    assert "frame-ancestors 'self'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.django_db
@pytest.mark.parametrize("name", INVALID_NAMES)
@pytest.mark.parametrize("path", PATHS[1:])
def test_an_unknown_file_name_is_not_found(client: Client, folder: Path, path: str, name: str) -> None:
    assert client.get(path.format(name=name)).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_without_the_setting_demo_there_is_no_inbox(
    client: Client, folder: Path, settings: Settings, path: str
) -> None:
    name = store_email(folder)
    settings.DEMO = False
    assert client.get(path.format(name=name)).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_post_requests_are_refused(client: Client, folder: Path, path: str) -> None:
    assert client.post(path.format(name=store_email(folder))).status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00rubbish", b"Subject: =?utf-8?q?=FF?=\nDate: never\n\n\x80"])
def test_a_malformed_email_is_shown(client: Client, folder: Path, content: bytes) -> None:
    name = mailbox.store_email(folder, content).name
    assert client.get("/demo/inbox/").status_code == 200
    assert client.get(f"/demo/inbox/{name}/").status_code == 200
