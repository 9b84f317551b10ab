"""With a bucket set, uploads are kept there and nowhere on this machine; the same promises hold."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from files.models import Upload, UploadLook
from files.purging import purge
from files.reasons import Reason
from files.services import Refused, keep
from portal import doctor_checks
from tests.files import made
from tests.files.bucket import Bucket, running_bucket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(settings: Settings) -> Iterator[Bucket]:
    with running_bucket() as running:
        options = {
            "bucket_name": "uploads",
            "location": "portal",
            "endpoint_url": running.address,
            "region_name": "eu-test-1",
            "access_key": "portal",
            "secret_key": "only for this test",
            "addressing_style": "path",
        }
        private = {"BACKEND": "files.s3.PrivateBucket", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"private": private}
        yield running


def test_an_upload_is_kept_read_and_deleted_there(bucket: Bucket, kept: Path, agent: Client) -> None:
    upload = keep(made.upload(made.pdf_bytes()))
    assert list(bucket.objects) == [f"portal/{upload.stored_name}"]
    assert bucket.signed
    assert not kept.exists()
    answer = agent.get(f"/files/{upload.pk}/")
    assert b"".join(answer) == bucket.objects[f"portal/{upload.stored_name}"]  # type: ignore[arg-type]
    assert purge(upload.keep_until).uploads == 1
    assert bucket.objects == {}


def test_a_rollback_takes_it_from_there(bucket: Bucket) -> None:
    with transaction.atomic():
        keep(made.upload(made.png()))
        assert len(bucket.objects) == 1
        transaction.set_rollback(True)
    assert bucket.objects == {}


def test_what_no_row_knows_is_swept_there(bucket: Bucket) -> None:
    upload = keep(made.upload(made.png()))
    bucket.objects |= {
        "portal/ab/" + "ab" * 16: b"left behind",
        "portal/backup.zip": b"not ours",
        "else/x": b"not ours",
    }
    assert purge(timezone.now() + timedelta(days=2)).orphans == 1
    assert sorted(bucket.objects) == sorted([f"portal/{upload.stored_name}", "portal/backup.zip", "else/x"])


def test_a_store_that_takes_nothing_is_told(bucket: Bucket) -> None:
    bucket.fails = "StorageFull"
    with pytest.raises(Refused) as refusal:
        keep(made.upload(made.png()))
    assert refusal.value.reason == Reason.NOT_STORED
    assert not Upload.objects.exists()
    with pytest.raises(doctor_checks.CheckFailed) as trouble:
        doctor_checks.check_storage()
    assert "StorageFull" in trouble.value.problem


def test_an_object_that_was_lost_is_not_found(bucket: Bucket, agent: Client) -> None:
    upload = keep(made.upload(made.png()))
    bucket.objects.clear()
    assert agent.get(f"/files/{upload.pk}/").status_code == 404


def test_a_store_out_of_reach_is_told_to_staff_and_to_the_command(bucket: Bucket, agent: Client) -> None:
    upload = keep(made.upload(made.png()))
    bucket.fails = "SlowDown"
    answer = agent.get(f"/files/{upload.pk}/")
    assert answer.status_code == 503
    assert "cannot be reached" in answer.content.decode()
    assert not UploadLook.objects.exists()
    with pytest.raises(CommandError, match="SlowDown"):
        call_command("purge_files")


def test_the_doctor_is_content_with_it(bucket: Bucket) -> None:
    assert "can be written" in doctor_checks.check_storage()
    assert bucket.objects == {}
