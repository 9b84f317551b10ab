"""If a bucket is configured, installers are stored there and downloaded with its own signed links for 15 minutes."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from licenses.models import Download, Release
from portal import doctor_checks
from tests.factories import make_product
from tests.files.s3_server import S3Server, running_s3_server
from tests.licenses.installers import CONTENT, bought, link_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(settings: Settings) -> Iterator[S3Server]:
    with running_s3_server() as running:
        options = {
            "bucket_name": "installers",
            "location": "portal",
            "endpoint_url": running.address,
            "region_name": "eu-test-1",
            "access_key": "portal",
            "secret_key": "only for this test",
            "addressing_style": "path",
            "max_memory_size": 1024,
        }
        releases = {"BACKEND": "files.s3.PrivateS3Storage", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"releases": releases}
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Größe.exe"
    path.write_bytes(CONTENT)
    return path


def add(file: Path, **options: object) -> None:
    make_product(slug="maximum")
    call_command("add_release", str(file), **{"product": "maximum", "version": "1", "platform": "windows"} | options)


def test_a_release_is_stored_there_and_read_back(bucket: S3Server, file: Path, releases_folder: Path) -> None:
    add(file)
    release = Release.objects.get()
    assert bucket.objects == {f"portal/{release.stored_name}": CONTENT}
    assert not releases_folder.exists()


def test_the_order_redirects_to_the_buckets_own_link(bucket: S3Server) -> None:
    order, release = bought()
    release.file_name = "Größe.exe"
    release.save()
    link = link_to(order, release)
    address, asked = urlsplit(link), parse_qs(urlsplit(link).query)
    assert f"{address.scheme}://{address.netloc}" == bucket.address
    assert address.path == f"/installers/portal/{release.stored_name}"
    assert asked["X-Amz-Expires"] == ["900"]
    assert asked["X-Amz-Signature"]
    assert asked["response-content-disposition"] == [
        "attachment; filename=\"Gr__e.exe\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.exe"
    ]
    assert asked["response-content-type"] == ["application/octet-stream"]
    assert Download.objects.get().release == release
    with urlopen(link) as answer:
        assert answer.read() == CONTENT


def test_a_refused_upload_to_the_bucket_is_reported_and_not_kept(bucket: S3Server, file: Path) -> None:
    bucket.fails = "StorageFull"
    with pytest.raises(CommandError, match="StorageFull") as refused:
        add(file)
    assert refused.value.returncode == 2
    assert not Release.objects.exists()


def test_a_wrong_sum_never_gets_there(bucket: S3Server, file: Path) -> None:
    with pytest.raises(CommandError, match="The checksum doesn’t match:"):
        add(file, sha256="0" * 64)
    assert bucket.objects == {}


def test_the_doctor_looks_there(bucket: S3Server) -> None:
    assert "is writable" in doctor_checks.check_releases()
    assert bucket.objects == {}
    bucket.fails = "AccessDenied"
    with pytest.raises(doctor_checks.CheckFailed, match="AccessDenied") as trouble:
        doctor_checks.check_releases()
    assert "RELEASES_S3" in trouble.value.remedy
