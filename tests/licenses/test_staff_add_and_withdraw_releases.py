"""Staff upload installers and withdraw them. Others can't, and too large files are not stored."""

from hashlib import sha256
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from licenses.models import Download, DownloadWindow, InstallGuide, Release
from tests.factories import make_agent, make_order, make_product, make_release, make_store
from tests.licenses.installers import CONTENT
from tests.pages import text

pytestmark = pytest.mark.django_db

ADD = "/admin/licenses/release/add/"
LIST = "/admin/licenses/release/"


@pytest.fixture
def agent(client: Client) -> Client:
    client.force_login(make_agent())
    return client


def upload(client: Client, content: bytes = CONTENT, **fields: object) -> HttpResponse:
    sent = {
        "product": make_product().pk,
        "version": "17.8",
        "platform": "windows",
        "file": SimpleUploadedFile("Setup.exe", content),
        "file_name": "",
        "stated_sha256": "",
    }
    return client.post(ADD, sent | fields, follow=True)


def test_an_upload_becomes_a_draft(agent: Client, releases_folder: Path) -> None:
    older = make_release(make_product())
    upload(agent, product=older.product.pk, stated_sha256=sha256(CONTENT).hexdigest())
    release = Release.objects.drafts().get()
    assert (release.version, release.file_name, release.sha256) == ("17.8", "Setup.exe", sha256(CONTENT).hexdigest())
    assert (releases_folder / release.stored_name).read_bytes() == CONTENT
    assert Release.objects.current().get() == older
    assert LogEntry.objects.get().object_id == str(release.pk)
    assert agent.get(f"{LIST}{release.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stated_sha256": "0" * 64}, "The checksum doesn’t match:"),
        ({"version": "a b"}, "Enter a version"),
        ({"file": ""}, "This field is required"),
        ({"file": SimpleUploadedFile("Setup.exe", b"")}, "empty"),
        ({"product": 10**6}, "Select a valid choice"),
    ],
)
def test_errors_are_reported_and_nothing_is_kept(
    agent: Client, releases_folder: Path, fields: dict[str, object], said: str
) -> None:
    assert said in text(upload(agent, **fields))
    assert not Release.objects.exists()
    assert not releases_folder.exists()


def test_an_existing_version_is_refused(agent: Client) -> None:
    release = make_release(make_product(), CONTENT, version="17.8")
    assert "already exists with this file" in text(upload(agent, product=release.product.pk))
    assert "already exists with another file (SHA-256" in text(upload(agent, b"MZ other", product=release.product.pk))
    assert Release.objects.count() == 1


def test_a_file_that_is_too_large_is_discarded(agent: Client, settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.RELEASE_UPLOAD_MAX_BYTES = 1024 * 1024
    answer = upload(agent, b"x" * (1024 * 1024 + 1))
    assert "larger than 1 MB. Add it with `manage.py add_release`." in text(answer)
    assert not Release.objects.exists()
    assert list(tmp_path.iterdir()) == []


def test_an_installer_may_be_larger_than_what_buyers_send(agent: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5000
    upload(agent, b"MZ".ljust(20_000))
    assert Release.objects.get().size == 20_000
    settings.RELEASE_UPLOAD_MAX_BYTES = 10 - 1024 * 1024
    assert upload(agent, b"x" * 30_000).status_code == 413


def test_strangers_and_staff_without_the_right_upload_nothing(client: Client, settings: Settings) -> None:
    assert "Password" in text(upload(client))
    looks_only = User.objects.create_user("looks", password="a long password", is_staff=True)
    looks_only.user_permissions.add(Permission.objects.get(codename="view_release"))
    client.force_login(looks_only)
    assert upload(client).status_code == 403
    assert not Release.objects.exists()


def test_an_upload_from_another_site_is_refused() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_agent())
    assert upload(browser).status_code == 403
    assert not Release.objects.exists()


def test_staff_withdraw_and_offer_again(agent: Client) -> None:
    release = make_release(make_product())
    chosen = {"_selected_action": [release.pk]}
    assert "1 release was withdrawn." in text(agent.post(LIST, chosen | {"action": "withdraw"}, follow=True))
    assert not Release.objects.current().exists()
    assert "0 releases were withdrawn." in text(agent.post(LIST, chosen | {"action": "withdraw"}, follow=True))
    assert "1 release is now offered again." in text(agent.post(LIST, chosen | {"action": "offer_again"}, follow=True))
    assert Release.objects.current().get() == release
    assert LogEntry.objects.count() == 2


def test_a_release_is_never_deleted(agent: Client) -> None:
    release = make_release(make_product())
    assert agent.post(f"{LIST}{release.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in agent.get(LIST).content.decode()


def test_the_lists_of_staff_open(agent: Client) -> None:
    order, product = make_order(), make_product()
    download = Download.objects.create(order=order, release=make_release(product))
    DownloadWindow.objects.create(store=make_store(), days=60)
    InstallGuide.objects.create(product=product, title="Install it", body="Go.")
    for name in ("release", "download", "downloadwindow", "installguide"):
        assert agent.get(reverse(f"admin:licenses_{name}_changelist")).status_code == 200
    assert agent.get(f"/admin/licenses/download/?q={order.number.lower()}").status_code == 200
    assert agent.get(f"/admin/licenses/download/{download.pk}/change/").status_code == 200
    assert agent.post("/admin/licenses/download/add/").status_code == 403
