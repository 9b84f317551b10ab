"""A file and its row are created and deleted together."""

import errno
import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, Storage
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from files.models import Upload
from files.rejection_reasons import RejectionReason
from files.services import FileRejected, delete_upload, store_file, store_files
from files.validation import clean_upload
from tests.files import factories


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that is rolled back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def commit_and_fail() -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: int("not a number"))
        store_file(factories.upload(factories.jpeg()), client=None)


@pytest.mark.django_db
def test_an_upload_records_name_type_size_and_digest(upload_folder: Path) -> None:
    before = timezone.now()
    upload = store_file(factories.upload(factories.jpeg(), "../../etc/My Receipt\x00.PDF"), client=None)
    content = upload.open().read()
    upload.refresh_from_db()
    assert (upload.name, upload.media_type) == ("My Receipt.jpg", "image/jpeg")
    assert (upload.size, upload.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert upload.keep_until - before >= timedelta(days=180)
    assert [str(path.relative_to(upload_folder)) for path in factories.files_in(upload_folder)] == [upload.stored_name]
    assert "Receipt" not in upload.stored_name


@pytest.mark.django_db
def test_stored_files_are_readable_by_their_owner_only(upload_folder: Path) -> None:
    store_file(factories.upload(factories.jpeg()), client=None)
    (file,) = factories.files_in(upload_folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(upload_folder.stat().st_mode) == 0o700


@pytest.mark.django_db
def test_the_expiry_is_a_setting_that_callers_can_override(settings: Settings) -> None:
    settings.UPLOADS_KEPT_DAYS = 3
    upload = store_file(factories.upload(factories.jpeg()), client=None)
    assert upload.keep_until == upload.uploaded_at + timedelta(days=3)
    upload = store_file(factories.upload(factories.jpeg()), keep_for=timedelta(hours=1), client=None)
    assert upload.keep_until == upload.uploaded_at + timedelta(hours=1)


@pytest.mark.django_db
def test_a_clean_file_is_not_cleaned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = clean_upload(factories.upload(factories.jpeg()))
    monkeypatch.setattr("files.validation._clean", None)
    assert store_file(clean, client=None).size == len(clean.content)


@pytest.mark.django_db(transaction=True)
def test_a_rollback_deletes_the_file(upload_folder: Path) -> None:
    with rolled_back():
        store_file(factories.upload(factories.jpeg()), client=None)
        assert len(factories.files_in(upload_folder)) == 1
    assert factories.files_in(upload_folder) == []
    assert not Upload.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_to_a_savepoint_deletes_only_its_files(upload_folder: Path) -> None:
    with transaction.atomic():
        upload = store_file(factories.upload(factories.jpeg()), client=None)
        with rolled_back():
            store_file(factories.upload(factories.png()), client=None)
        assert len(factories.files_in(upload_folder)) == 1
    assert [file.name for file in factories.files_in(upload_folder)] == [Path(upload.stored_name).name]
    assert upload.open().read()


@pytest.mark.django_db(transaction=True)
def test_a_failing_commit_hook_does_not_delete_the_file(upload_folder: Path) -> None:
    with pytest.raises(ValueError, match="not a number"):
        commit_and_fail()
    assert Upload.objects.count() == len(factories.files_in(upload_folder)) == 1


@pytest.mark.django_db(transaction=True)
def test_all_files_are_stored_or_none(upload_folder: Path) -> None:
    with pytest.raises(FileRejected) as refusal:
        store_files([factories.upload(factories.jpeg()), factories.upload(b"MZ", "setup.exe")], client=None)
    assert refusal.value.reason == RejectionReason.PROGRAM
    assert "“setup.exe”" in str(refusal.value)
    assert factories.files_in(upload_folder) == []
    assert not Upload.objects.exists()
    names = [
        upload.name
        for upload in store_files(
            [
                factories.upload(factories.jpeg(), "1.jpg"),
                factories.upload(factories.png(), "2.png"),
            ],
            client=None,
        )
    ]
    assert names == ["1.jpg", "2.png"]
    assert len(factories.files_in(upload_folder)) == 2


class FullStorage(FileSystemStorage):
    """Writes half of a file and then fails, like a full disk."""

    def _save(self, name: str, content: object) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_reported_and_leaves_no_file(
    upload_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full: Storage = FullStorage(location=str(upload_folder))
    monkeypatch.setattr("files.services.private_storage", lambda: full)
    with pytest.raises(FileRejected, match="nothing was sent") as refusal:
        store_file(factories.upload(factories.jpeg()), client=None)
    assert refusal.value.reason == RejectionReason.NOT_STORED
    assert factories.files_in(upload_folder) == []
    assert not Upload.objects.exists()
    assert "No space left" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_failing_insert_leaves_no_file(upload_folder: Path) -> None:
    with pytest.raises(IntegrityError, match="upload_is_kept_for_a_time"):
        store_file(factories.upload(factories.jpeg()), keep_for=timedelta(0) - timedelta(days=1), client=None)
    assert factories.files_in(upload_folder) == []


@pytest.mark.django_db(transaction=True)
def test_deleting_an_upload_waits_for_the_commit(upload_folder: Path) -> None:
    upload = store_file(factories.upload(factories.jpeg()), client=None)
    with rolled_back():
        delete_upload(Upload.objects.get())
    assert upload.open().read()
    delete_upload(Upload.objects.get())
    assert factories.files_in(upload_folder) == []
    assert not Upload.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"size": 0}, "upload_is_not_empty"),
        ({"media_type": "text/html"}, "upload_media_type_is_known"),
        ({"sha256": "x"}, "upload_sha256_is_hex"),
        ({"stored_name": "../secrets"}, "upload_stored_name_is_random"),
    ],
)
def test_database_constraints_reject_invalid_uploads(change: dict[str, object], constraint: str) -> None:
    upload = store_file(factories.upload(factories.jpeg()), client=None)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Upload.objects.filter(pk=upload.pk).update(**change)
