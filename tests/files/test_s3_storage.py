"""Uploads in an S3-compatible object store."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from files.models import DownloadRecord, Upload
from files.purging import purge
from files.rejection_reasons import RejectionReason
from files.services import FileRejected, store_file
from portal import doctor_checks
from tests.files import factories
from tests.files.s3_server import S3Server, running_s3_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(settings: Settings) -> Iterator[S3Server]:
    with running_s3_server() as running:
        options = {
            "bucket_name": "uploads",
            "location": "portal",
            "endpoint_url": running.address,
            "region_name": "eu-test-1",
            "access_key": "portal",
            "secret_key": "only for this test",
            "addressing_style": "path",
        }
        private = {"BACKEND": "files.s3.PrivateS3Storage", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"private": private}
        yield running


def test_an_upload_is_stored_read_and_deleted(bucket: S3Server, upload_folder: Path, agent: Client) -> None:
    upload = store_file(factories.upload(factories.pdf_bytes()), client=None)
    assert list(bucket.objects) == [f"portal/{upload.stored_name}"]
    assert bucket.signed
    assert not upload_folder.exists()
    answer = agent.get(f"/files/{upload.pk}/")
    assert b"".join(answer) == bucket.objects[f"portal/{upload.stored_name}"]
    assert purge(upload.keep_until).uploads == 1
    assert bucket.objects == {}


def test_a_rollback_deletes_the_object(bucket: S3Server) -> None:
    with transaction.atomic():
        store_file(factories.upload(factories.png()), client=None)
        assert len(bucket.objects) == 1
        transaction.set_rollback(True)
    assert bucket.objects == {}


def test_orphaned_objects_are_purged(bucket: S3Server) -> None:
    upload = store_file(factories.upload(factories.png()), client=None)
    bucket.objects |= {
        "portal/ab/" + "ab" * 16: b"left behind",
        "portal/backup.zip": b"not ours",
        "else/x": b"not ours",
    }
    assert purge(timezone.now() + timedelta(days=2)).orphans == 1
    assert sorted(bucket.objects) == sorted([f"portal/{upload.stored_name}", "portal/backup.zip", "else/x"])


def test_a_full_object_store_is_reported(bucket: S3Server) -> None:
    bucket.fails = "StorageFull"
    with pytest.raises(FileRejected) as refusal:
        store_file(factories.upload(factories.png()), client=None)
    assert refusal.value.reason == RejectionReason.NOT_STORED
    assert not Upload.objects.exists()
    with pytest.raises(doctor_checks.CheckFailed) as trouble:
        doctor_checks.check_storage()
    assert "StorageFull" in trouble.value.problem


def test_a_missing_object_is_not_found(bucket: S3Server, agent: Client) -> None:
    upload = store_file(factories.upload(factories.png()), client=None)
    bucket.objects.clear()
    assert agent.get(f"/files/{upload.pk}/").status_code == 404


def test_an_unreachable_object_store_is_reported(bucket: S3Server, agent: Client) -> None:
    upload = store_file(factories.upload(factories.png()), client=None)
    bucket.fails = "SlowDown"
    answer = agent.get(f"/files/{upload.pk}/")
    assert answer.status_code == 503
    assert "can’t be reached" in answer.content.decode()
    assert not DownloadRecord.objects.exists()
    with pytest.raises(CommandError, match="SlowDown"):
        call_command("purge_files")


def test_the_doctor_checks_the_object_store(bucket: S3Server) -> None:
    assert "is writable" in doctor_checks.check_storage()
    assert bucket.objects == {}
