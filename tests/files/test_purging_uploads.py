"""Expired uploads and orphaned files are deleted, and nothing else."""

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import ProtectedError
from django.utils import timezone

from files import purging, tasks
from files.models import DownloadRecord, Upload
from files.purging import DOWNLOAD_RECORDS_KEPT, ORPHAN_AGE, purge
from files.services import store_file
from tests.files import factories

pytestmark = pytest.mark.django_db(transaction=True)


def make_upload(keep_for: timedelta = timedelta(days=9)) -> Upload:
    return store_file(factories.upload(factories.png()), client=None, keep_for=keep_for)


def make_orphan(upload_folder: Path, age: timedelta, name: str = "ab/" + "ab" * 16) -> Path:
    path = upload_folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left behind")
    then = (timezone.now() - age).timestamp()
    os.utime(path, (then, then))
    return path


def test_an_upload_is_deleted_when_it_expires_and_not_before(upload_folder: Path) -> None:
    upload = make_upload()
    assert purge(upload.keep_until - timedelta(seconds=1)).uploads == 0
    assert len(factories.files_in(upload_folder)) == 1
    assert purge(upload.keep_until).uploads == 1
    assert factories.files_in(upload_folder) == []
    assert not Upload.objects.exists()


def test_an_orphaned_file_is_deleted_after_a_day(upload_folder: Path) -> None:
    upload = make_upload()
    young = make_orphan(upload_folder, ORPHAN_AGE - timedelta(minutes=1))
    old = make_orphan(upload_folder, ORPHAN_AGE + timedelta(minutes=1), "cd/" + "cd" * 16)
    assert purge(timezone.now()).orphans == 1
    assert young.exists()
    assert not old.exists()
    assert upload.open().read()


def test_other_files_in_the_storage_are_kept(upload_folder: Path) -> None:
    age = timedelta(days=400)
    others = [make_orphan(upload_folder, age, name) for name in ("notes.txt", "ab/notes.txt", "backup/" + "ab" * 16)]
    assert purge(timezone.now()).orphans == 0
    assert all(path.exists() for path in others)


def test_purging_an_empty_storage_does_nothing(upload_folder: Path) -> None:
    assert not upload_folder.exists()
    assert purge(timezone.now()) == purging.PurgeResult()


def test_a_protected_upload_is_kept_and_counted(upload_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protected, free = make_upload(timedelta(hours=1)), make_upload(timedelta(hours=2))
    delete_upload = purging.delete_upload

    def held_by_a_case(upload: Upload) -> None:
        if upload.pk == protected.pk:
            raise ProtectedError("a case holds it", {upload})
        delete_upload(upload)

    monkeypatch.setattr(purging, "delete_upload", held_by_a_case)
    result = purge(timezone.now() + timedelta(days=1))
    assert (result.uploads, result.protected) == (1, 1)
    assert list(Upload.objects.all()) == [protected]
    assert protected.open().read()
    assert free.pk != protected.pk


def test_a_failed_deletion_is_retried_by_a_later_purge(upload_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = make_upload()
    with monkeypatch.context() as broken:
        broken.setattr("django.core.files.storage.FileSystemStorage.delete", lambda *_all: int("no"))
        assert purge(upload.keep_until).uploads == 1
    assert len(factories.files_in(upload_folder)) == 1
    assert purge(timezone.now() + timedelta(days=2)).orphans == 1
    assert factories.files_in(upload_folder) == []


def test_download_records_are_deleted_after_their_time(upload_folder: Path, django_user_model) -> None:
    agent = django_user_model.objects.create_user("agent")
    upload = make_upload()
    now = timezone.now()
    for at in (now, now - DOWNLOAD_RECORDS_KEPT - timedelta(days=1)):
        DownloadRecord.objects.create(upload_id=upload.pk, staff=agent, at=at)
    assert purge(now).download_records == 1
    assert DownloadRecord.objects.get().at == now


def test_a_purge_that_runs_out_of_time_is_continued_by_the_next(upload_folder: Path) -> None:
    make_upload(timedelta(hours=1))
    later = timezone.now() + timedelta(days=1)
    assert purge(later, max_seconds=-1).uploads == 0
    assert purge(later).uploads == 1


def test_the_command_has_a_dry_run(upload_folder: Path) -> None:
    make_upload(timedelta(microseconds=1))
    make_orphan(upload_folder, timedelta(days=3))
    out = StringIO()
    call_command("purge_files", "--dry-run", stdout=out)
    assert "1  expired uploads: would be deleted" in out.getvalue()
    assert "1  files without a database record: would be deleted" in out.getvalue()
    assert len(factories.files_in(upload_folder)) == 2
    assert Upload.objects.count() == 1
    out = StringIO()
    call_command("purge_files", stdout=out)
    assert "1  expired uploads: deleted" in out.getvalue()
    assert factories.files_in(upload_folder) == []


def test_the_task_deletes_expired_uploads(upload_folder: Path) -> None:
    make_upload(timedelta(microseconds=1))
    tasks.purge_files()
    assert factories.files_in(upload_folder) == []
