"""Each part that is not well is a line with what to do; nothing hangs, nothing is a traceback."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.models import Message
from portal import checkup, tasks
from portal.models import Heartbeat
from tests.portal.running_demo import manage
from tests.smtp import MailServer


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and never says a word, as a stalled server does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def environment(folder: Path, port: int) -> dict[str, object]:
    """Settings of a trial whose servers are all behind this port."""
    return {
        "SECRET_KEY": "x" * 50,
        "ORDER_PASSWORD_KEY": "y" * 50,
        "SITE_URL": "http://127.0.0.1:8000",
        "DEMO": "true",
        "VAR": folder,
        "DATABASE_URL": f"postgres://portal@127.0.0.1:{port}/portal",
        "BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
    }


def lines_by_part(text: str) -> dict[str, str]:
    return {line.split()[0]: line for line in text.splitlines() if not line.startswith(" ")}


def test_servers_that_are_down_are_told_each(tmp_path: Path) -> None:
    doctor = manage("doctor", **environment(tmp_path, 1))
    assert doctor.returncode == 1
    assert "Traceback" not in doctor.stdout + doctor.stderr
    lines = lines_by_part(doctor.stdout)
    for part in ("database", "broker", "mail"):
        assert "NOT WELL" in lines[part]
    assert "needs: database" in lines["migrations"]
    assert "needs: broker" in lines["worker"]
    assert "ok" in lines["settings"]
    assert "ok" in lines["storage"]
    for variable in ("DATABASE_URL", "BROKER_URL", "EMAIL_URL"):
        assert f"mend {variable}" in doctor.stdout


def test_servers_that_are_stalled_do_not_stall_it(tmp_path: Path, silent_port: int) -> None:
    began = time.monotonic()
    doctor = manage("doctor", **environment(tmp_path, silent_port))
    assert time.monotonic() - began < 40
    assert doctor.returncode == 1
    assert "Traceback" not in doctor.stdout + doctor.stderr
    lines = lines_by_part(doctor.stdout)
    for part in ("database", "broker", "mail"):
        assert "NOT WELL" in lines[part]


def test_some_parts_can_be_named(tmp_path: Path) -> None:
    doctor = manage("doctor", "storage", **environment(tmp_path, 1))
    assert doctor.returncode == 0
    assert list(lines_by_part(doctor.stdout)) == ["storage"]


def test_a_part_that_is_none_is_told_with_the_names_there_are(tmp_path: Path) -> None:
    doctor = manage("doctor", "printer", **environment(tmp_path, 1))
    assert doctor.returncode == 1
    assert "printer is no part" in doctor.stderr
    assert "database" in doctor.stderr
    assert "Traceback" not in doctor.stderr


def test_its_help_teaches(tmp_path: Path) -> None:
    told = manage("doctor", "--help", **environment(tmp_path, 1))
    assert "doctor --wait 60" in told.stdout
    assert "exit status 0" in told.stdout


@pytest.mark.django_db
def test_missing_migrations_are_counted_and_named() -> None:
    MigrationRecorder.Migration.objects.filter(app="portal").delete()
    with pytest.raises(checkup.Trouble, match=r"1 not applied, the first is portal\.0001_") as trouble:
        checkup.migrations()
    assert "manage.py migrate" in trouble.value.remedy


@pytest.mark.django_db
def test_beat_is_well_after_its_heartbeat_came_through() -> None:
    tasks.heartbeat()
    tasks.heartbeat()  # one row, however many beats
    assert Heartbeat.objects.count() == 1
    assert "last seen 0 s ago" in checkup.beat()


@pytest.mark.django_db
def test_beat_that_stopped_is_told_with_its_last_sign() -> None:
    Heartbeat.objects.create(name=Heartbeat.BEAT, at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(checkup.Trouble, match="last seen 5 min ago"):
        checkup.beat()


@pytest.mark.django_db
def test_beat_that_never_ran_is_told() -> None:
    with pytest.raises(checkup.Trouble, match="never seen"):
        checkup.beat()


def test_a_worker_that_does_not_run_is_told() -> None:
    with pytest.raises(checkup.Trouble, match="no worker answers"):
        checkup.worker()


def test_the_broker_of_the_tests_is_well() -> None:
    assert "answers" in checkup.broker()


def test_a_mail_server_is_asked_for_an_answer(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert "answers" in checkup.mail()
        assert server.mails == []


def keep_files_in(folder: Path, settings: Settings) -> None:
    private = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = settings.STORAGES | {"private": private}


def test_a_folder_for_files_that_cannot_be_written_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    keep_files_in(tmp_path / "file", settings)
    with pytest.raises(checkup.Trouble) as trouble:
        checkup.storage()
    assert "PRIVATE_ROOT" in trouble.value.remedy


def test_looking_at_the_storage_leaves_nothing_there(settings: Settings, tmp_path: Path) -> None:
    keep_files_in(tmp_path, settings)
    assert str(tmp_path) in checkup.storage()
    assert list(tmp_path.iterdir()) == []


def test_the_judging_of_uploads_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "judged" in checkup.uploads()
    monkeypatch.setattr("files.validation.sys.executable", "/no/such/python")
    with pytest.raises(checkup.Trouble, match="could not be judged") as trouble:
        checkup.uploads()
    assert "cannot send files" in trouble.value.remedy


def make_message(late: timedelta) -> Message:
    due_at = timezone.now() - late
    return Message.objects.create(
        kind="order_confirmation", object_id=1, recipient="buyer@example.com", due_at=due_at, last_error="421 Busy"
    )


@pytest.mark.django_db
def test_an_outbox_that_empties_is_well() -> None:
    assert "no mail is late" in checkup.outbox()
    make_message(timedelta(minutes=1))
    assert "waits for 60 s" in checkup.outbox()


@pytest.mark.django_db
def test_mail_that_waits_too_long_is_told_with_its_error() -> None:
    make_message(timedelta(hours=3))
    with pytest.raises(checkup.Trouble, match=r"waits for 3 h \(421 Busy\)"):
        checkup.outbox()


@pytest.mark.django_db
def test_mail_that_is_due_later_is_not_late() -> None:
    make_message(-timedelta(days=1))
    assert "no mail is late" in checkup.outbox()
