"""Only staff with permission can download an upload, and each download is recorded."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client

from files.models import DownloadRecord, Upload
from files.services import store_file
from tests.factories import make_order
from tests.files import factories
from tests.pages import inside

pytestmark = pytest.mark.django_db

UPLOADS = "/admin/files/upload/"
DOWNLOADS = "/admin/files/downloadrecord/"


@pytest.fixture
def upload(db: None) -> Upload:
    return store_file(factories.upload(factories.pdf_bytes(), 'état "final"\r\nX-Evil: 1.pdf'), client=None)


def download_path(upload: Upload) -> str:
    return f"/files/{upload.pk}/"


def comparable_page(answer: HttpResponse) -> str:
    """Return a page without parts that differ between requests: CSRF token and requested path."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())
    return re.sub(r"/files/[0-9a-f-]{36}/", "/files/…/", page)


def test_a_download_is_an_attachment_that_browsers_do_not_run(agent: Client, upload: Upload) -> None:
    answer = agent.get(download_path(upload))
    assert b"".join(answer).startswith(b"%PDF-")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "no-store, private"
    assert "X-Evil" not in answer.headers


def test_every_download_is_recorded(agent: Client, upload: Upload) -> None:
    for _time in range(2):
        agent.get(download_path(upload))
    looks = DownloadRecord.objects.all()
    assert [(look.upload_id, look.staff.username) for look in looks] == [(upload.pk, "agent")] * 2
    upload.delete()
    assert DownloadRecord.objects.count() == 2


def log_in(name: str, **fields: object) -> Client:
    client = Client()
    permission = Permission.objects.get(codename="view_upload")
    user = User.objects.create_user(name, password="a long password", **fields)
    if name != "without_the_right":
        user.user_permissions.add(permission)
    client.force_login(user)
    return client


def comparable_headers(response: Any) -> list[tuple[str, str]]:
    """All headers, except the id that each request has."""
    return sorted((name, value) for name, value in response.headers.items() if name != "X-Request-ID")


@pytest.mark.parametrize("who", ["stranger", "buyer", "no_staff", "without_the_right", "left"])
def test_without_permission_an_upload_looks_like_a_missing_one(upload: Upload, who: str) -> None:
    client = {
        "stranger": lambda: Client(),
        "buyer": lambda: inside(make_order()),
        "no_staff": lambda: log_in("no_staff"),
        "without_the_right": lambda: log_in("without_the_right", is_staff=True),
        "left": lambda: log_in("left", is_staff=True, is_active=False),
    }[who]()
    refused, missing = client.get(download_path(upload)), client.get(f"/files/{uuid.uuid4()}/")
    assert refused.status_code == missing.status_code == 404
    assert comparable_page(refused) == comparable_page(missing)
    assert comparable_headers(refused) == comparable_headers(missing)
    assert not DownloadRecord.objects.exists()


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_other_methods_are_not_allowed(agent: Client, upload: Upload, method: str) -> None:
    answers = [getattr(client, method)(download_path(upload)) for client in (agent, Client())]
    assert {answer.status_code for answer in answers} == {405}


def test_no_url_leads_to_the_stored_file(client: Client, agent: Client, upload: Upload) -> None:
    stored = upload.stored_name
    for path in (f"/private/{stored}", f"/media/{stored}", f"/static/{stored}", f"/static/../private/{stored}"):
        assert client.get(path).status_code == 404
    for guess in (stored, stored.split("/")[1], "1", "%00", "../" + stored, str(upload.pk) + "x"):
        assert agent.get(f"/files/{guess}/").status_code == 404


def test_an_upload_without_its_file_is_not_found(agent: Client, upload: Upload, upload_folder: Path) -> None:
    (upload_folder / upload.stored_name).unlink()
    assert agent.get(download_path(upload)).status_code == 404
    assert not DownloadRecord.objects.exists()


def test_the_admin_lists_uploads_and_downloads(agent: Client, upload: Upload) -> None:
    agent.get(download_path(upload))
    page = agent.get(UPLOADS).content.decode()
    assert "état" in page
    assert download_path(upload) in page
    page = agent.get(f"{UPLOADS}{upload.pk}/change/").content.decode()
    assert upload.sha256 in page
    assert "agent " in page


def test_the_admin_is_read_only(agent: Client, upload: Upload) -> None:
    User.objects.filter(username="agent").update(is_superuser=True)
    assert agent.post(f"{UPLOADS}{upload.pk}/change/", {"name": "changed"}).status_code == 403
    assert agent.get(f"{UPLOADS}add/").status_code == 403
    assert agent.post(f"{UPLOADS}{upload.pk}/delete/", {"post": "yes"}).status_code == 403
    agent.get(download_path(upload))
    look = DownloadRecord.objects.get()
    assert agent.post(f"{DOWNLOADS}{look.pk}/delete/", {"post": "yes"}).status_code == 403
    assert agent.get(DOWNLOADS).status_code == 200


@pytest.mark.parametrize("page", [UPLOADS, DOWNLOADS])
@pytest.mark.parametrize("term", ["\x00", "🛒", "'", "%", "x" * 5000, "état", "00000000-0000-4000-8000-000000000000"])
def test_odd_search_terms_are_accepted(agent: Client, upload: Upload, page: str, term: str) -> None:
    User.objects.filter(username="agent").update(is_superuser=True)
    assert agent.get(page, {"q": term}).status_code == 200


def test_anonymous_users_are_redirected_to_the_login(upload: Upload) -> None:
    assert Client().get(UPLOADS).status_code == 302


def test_the_number_of_queries_of_the_list_does_not_depend_on_its_rows(
    agent: Client,
    upload: Upload,
    django_assert_max_num_queries,
) -> None:
    for number in range(20):
        Upload.objects.create(
            name=f"{number}.pdf",
            media_type="application/pdf",
            size=1,
            sha256="0" * 64,
            stored_name=f"00/{number:032x}",
            keep_until=upload.keep_until,
        )
    with django_assert_max_num_queries(11):
        agent.get(UPLOADS)
