"""`doctor files` and `doctor backup`: rows without a file, files without a row, and the age of the last backup."""

import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from files.models import Upload, private_storage
from files.services import store_file
from licenses.models.downloads import releases_storage
from portal import file_checks
from portal.data_checks import CheckFailed, CheckWarning
from tests.factories import make_product, make_release
from tests.files.factories import png, upload

HOUR = 3600


def make_upload() -> Upload:
    return store_file(upload(png(), "receipt.png"), client=None)


def make_old(path: str, hours: float) -> None:
    then = time.time() - hours * HOUR
    os.utime(path, (then, then))


@pytest.mark.django_db
def test_complete_files_are_ok_and_counted() -> None:
    make_upload()
    make_release(make_product())
    assert file_checks.check_files() == "1 uploads and 1 installers looked at, none is missing"


@pytest.mark.django_db
def test_a_missing_upload_is_named() -> None:
    lost, _other = make_upload(), make_upload()
    private_storage().delete(lost.stored_name)
    with pytest.raises(CheckFailed, match=rf"1 of 2 files are missing: {lost.pk}") as failure:
        file_checks.check_files()
    assert not isinstance(failure.value, CheckWarning)


@pytest.mark.django_db
def test_a_missing_installer_is_named_even_if_a_newer_one_is_current() -> None:
    product = make_product()
    earlier = make_release(product, replaced_at="2026-10-02T00:00Z")
    make_release(product, b"a newer installer")
    releases_storage().delete(earlier.stored_name)
    with pytest.raises(CheckFailed, match=earlier.version):
        file_checks.check_files()


@pytest.mark.django_db
def test_old_files_without_a_row_are_counted() -> None:
    private_storage().save("ab/" + "0" * 32, ContentFile(b"new: its row may follow"))
    assert "none is missing" in file_checks.check_files()
    private_storage().save("cd/" + "1" * 32, ContentFile(b"old"))
    releases_storage().save("ab/installer", ContentFile(b"old"))
    make_old(private_storage().path("cd/" + "1" * 32), 30)
    make_old(releases_storage().path("ab/installer"), 30)
    with pytest.raises(CheckWarning, match="1 uploads and 1 installers have no row: cd/1"):
        file_checks.check_files()


@pytest.mark.django_db
def test_many_slow_files_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(4):
        make_upload()
    monkeypatch.setattr(file_checks, "PART_SECONDS", -1.0)  # over at once, as after 2 s of a slow bucket
    looked = file_checks.check_files()
    assert looked == "1 uploads and 0 installers looked at, none is missing"


@pytest.mark.django_db
def test_the_newest_are_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_checks, "NEWEST", 1)
    monkeypatch.setattr(file_checks, "OTHERS", 0)
    make_upload()
    newest = make_upload()
    assert list(file_checks._some_uploads()) == [newest] == list(Upload.objects.order_by("-uploaded_at")[:1])


def test_without_a_stamp_no_backup_is_watched(settings: Settings) -> None:
    settings.BACKUP_STAMP = ""
    assert "BACKUP_STAMP" in file_checks.check_backup()


def test_a_recent_backup_is_ok_and_an_old_one_is_a_warning(settings: Settings, tmp_path: Path) -> None:
    stamp = tmp_path / "last-backup"
    stamp.touch()
    settings.BACKUP_STAMP, settings.BACKUP_MAX_HOURS = str(stamp), 26
    assert file_checks.check_backup() == "the last one was made 0 s ago"
    make_old(str(stamp), 25)
    assert "25 h ago" in file_checks.check_backup()
    make_old(str(stamp), 27)
    with pytest.raises(CheckWarning, match="27 h ago"):
        file_checks.check_backup()
    make_old(str(stamp), -1)
    with pytest.raises(CheckWarning, match="in the future"):
        file_checks.check_backup()


def test_a_missing_stamp_is_a_warning(settings: Settings, tmp_path: Path) -> None:
    settings.BACKUP_STAMP = str(tmp_path / "never")
    with pytest.raises(CheckWarning, match="never: No such file"):
        file_checks.check_backup()
