import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings

from intake.models import WebhookSecret
from notifications.models import Message
from orders import suppression
from portal import data_checks, doctor_checks, tasks
from portal.models import Heartbeat
from tests.intake.pushing_stores import PushingStore
from tests.portal.running_demo import manage
from tests.smtp import MailServer


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never responds, like a stalled server."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def environment(folder: Path, port: int) -> dict[str, object]:
    """Settings of a demo whose servers all use this port."""
    return {
        "SECRET_KEY": "tests-only-" + "x" * 50,
        "ORDER_PASSWORD_KEY": "tests-only-" + "y" * 50,
        "SITE_URL": "http://127.0.0.1:8000",
        "DEMO": "true",
        "VAR": folder,
        "DATABASE_URL": f"postgres://portal@127.0.0.1:{port}/portal",
        "BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
    }


def lines_by_check(text: str) -> dict[str, str]:
    return {line.split()[0]: line for line in text.splitlines() if not line.startswith(" ")}


def test_every_server_that_is_down_is_reported(tmp_path: Path) -> None:
    doctor = manage("doctor", **environment(tmp_path, 1))
    assert doctor.returncode == 1
    assert "Traceback" not in doctor.stdout + doctor.stderr
    lines = lines_by_check(doctor.stdout)
    for name in ("database", "broker", "mail"):
        assert "FAILED" in lines[name]
    assert "needs: database" in lines["migrations"]
    assert "needs: broker" in lines["worker"]
    assert "ok" in lines["settings"]
    assert "ok" in lines["storage"]
    for variable in ("DATABASE_URL", "BROKER_URL", "EMAIL_URL"):
        assert f"correct {variable}" in doctor.stdout


def test_servers_that_do_not_respond_do_not_block_the_doctor(tmp_path: Path, silent_port: int) -> None:
    started_at = time.monotonic()
    doctor = manage("doctor", **environment(tmp_path, silent_port))
    assert time.monotonic() - started_at < 40
    assert doctor.returncode == 1
    assert "Traceback" not in doctor.stdout + doctor.stderr
    lines = lines_by_check(doctor.stdout)
    for name in ("database", "broker", "mail"):
        assert "FAILED" in lines[name]


def test_single_checks_can_be_selected(tmp_path: Path) -> None:
    doctor = manage("doctor", "storage", **environment(tmp_path, 1))
    assert doctor.returncode == 0
    assert list(lines_by_check(doctor.stdout)) == ["storage"]


def test_an_unknown_check_is_refused_with_the_valid_names(tmp_path: Path) -> None:
    doctor = manage("doctor", "printer", **environment(tmp_path, 1))
    assert "Unknown check printer" in doctor.stderr
    assert doctor.returncode == 2
    assert "database" in doctor.stderr
    assert "Traceback" not in doctor.stderr


def test_help_shows_examples(tmp_path: Path) -> None:
    completed = manage("doctor", "--help", **environment(tmp_path, 1))
    assert "doctor --wait 60" in completed.stdout
    assert "exit status 0" in completed.stdout


@pytest.mark.django_db
def test_missing_migrations_are_counted_and_named() -> None:
    MigrationRecorder.Migration.objects.filter(app="portal").delete()
    with pytest.raises(doctor_checks.CheckFailed, match=r"2 not applied, first: portal\.0001_") as failure:
        doctor_checks.check_migrations()
    assert "manage.py migrate" in failure.value.remedy


@pytest.mark.django_db
def test_beat_is_ok_after_a_heartbeat() -> None:
    tasks.heartbeat()
    tasks.heartbeat()  # updates the same row
    assert Heartbeat.objects.count() == 1
    assert "last seen 0 s ago" in doctor_checks.check_beat()


@pytest.mark.django_db
def test_a_stopped_beat_is_reported_with_its_last_heartbeat() -> None:
    Heartbeat.objects.create(name=Heartbeat.BEAT, at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(doctor_checks.CheckFailed, match="last seen 5 min ago"):
        doctor_checks.check_beat()


@pytest.mark.django_db
def test_a_beat_that_never_ran_is_reported() -> None:
    with pytest.raises(doctor_checks.CheckFailed, match="never seen"):
        doctor_checks.check_beat()


def test_a_missing_worker_is_reported() -> None:
    with pytest.raises(doctor_checks.CheckFailed, match="no worker responds"):
        doctor_checks.check_worker()


def test_a_running_broker_is_ok() -> None:
    assert "responds" in doctor_checks.check_broker()


def test_the_mail_server_is_checked_without_sending_an_email(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert "responds" in doctor_checks.check_mail()
        assert server.emails == []


def failing_mail(settings: Settings, port: int, **values: object) -> doctor_checks.CheckFailed:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    for name, value in values.items():
        setattr(settings, name, value)
    with pytest.raises(doctor_checks.CheckFailed) as failure:
        doctor_checks.check_mail()
    return failure.value


def test_a_mail_server_that_is_down_is_told_from_wrong_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MailServer() as server:
        port = server.port
        assert "smtp+ssl://" in failing_mail(settings, port, EMAIL_USE_TLS=True).remedy  # no STARTTLS there
        login = {"EMAIL_USE_TLS": False, "EMAIL_HOST_USER": "ann", "EMAIL_HOST_PASSWORD": "wrong"}
        monkeypatch.setattr("smtplib.SMTP.login", refuse(smtplib.SMTPAuthenticationError(535, b"5.7.8 Refused")))
        assert "password in EMAIL_URL" in failing_mail(settings, port, **login).remedy
        monkeypatch.setattr("smtplib.SMTP.login", refuse(ssl.SSLCertVerificationError(1, "self-signed certificate")))
        assert "SSL_CERT_FILE" in failing_mail(settings, port).remedy
    assert failing_mail(settings, port).remedy.startswith("Start the mail server")


def refuse(error: Exception) -> Callable[..., None]:
    def refused(*_arguments: object, **_options: object) -> None:
        raise error

    return refused


def set_private_storage_folder(folder: Path, settings: Settings) -> None:
    private = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = settings.STORAGES | {"private": private}


def test_a_private_folder_that_is_not_writable_is_reported(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    set_private_storage_folder(tmp_path / "file", settings)
    with pytest.raises(doctor_checks.CheckFailed) as failure:
        doctor_checks.check_storage()
    assert "PRIVATE_ROOT" in failure.value.remedy


def test_checking_the_storage_leaves_no_file(settings: Settings, tmp_path: Path) -> None:
    set_private_storage_folder(tmp_path, settings)
    assert str(tmp_path) in doctor_checks.check_storage()
    assert list(tmp_path.iterdir()) == []


def test_the_check_of_uploads_is_exercised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "images are validated" in doctor_checks.check_uploads()
    monkeypatch.setattr("files.validation.sys.executable", "/no/such/python")
    with pytest.raises(doctor_checks.CheckFailed, match="a test image couldn’t be validated") as failure:
        doctor_checks.check_uploads()
    assert "Until this is fixed, buyers can’t send files." in failure.value.remedy


def make_message(late: timedelta) -> Message:
    due_at = timezone.now() - late
    return Message.objects.create(
        kind="order_confirmation", object_id=1, recipient="buyer@example.com", due_at=due_at, last_error="421 Busy"
    )


@pytest.mark.django_db
def test_an_outbox_without_late_email_is_ok() -> None:
    assert "no email is late" in doctor_checks.check_outbox()
    make_message(timedelta(minutes=1))
    assert "has been waiting for 60 s" in doctor_checks.check_outbox()


@pytest.mark.django_db
def test_late_email_is_reported_with_its_error() -> None:
    make_message(timedelta(hours=3))
    with pytest.raises(doctor_checks.CheckFailed, match=r"has been waiting for 3 h \(421 Busy\)"):
        doctor_checks.check_outbox()


@pytest.mark.django_db
def test_email_that_is_due_later_is_not_late() -> None:
    make_message(-timedelta(days=1))
    assert "no email is late" in doctor_checks.check_outbox()


@pytest.mark.django_db
def test_webhook_secrets_of_another_secret_key_are_reported() -> None:
    PushingStore("stripe")
    assert doctor_checks.check_keys()
    WebhookSecret.objects.update(content=b"gAAAAA")
    with pytest.raises(doctor_checks.CheckFailed, match="webhooks"):
        doctor_checks.check_keys()


@pytest.mark.django_db
def test_erased_addresses_listed_with_another_secret_key_are_reported(settings: Settings) -> None:
    suppression.suppress("gone@example.com", timezone.now())
    earlier = settings.SECRET_KEY
    assert data_checks.check_keys().startswith("match")
    settings.SECRET_KEY = "another-" + "z" * 50
    with pytest.raises(data_checks.CheckWarning) as failure:  # nothing can repair it if the key leaked
        data_checks.check_keys()
    assert failure.value.problem == "the list of erased addresses was made with another SECRET_KEY"
    assert suppression.erasure_times(["gone@example.com"]) == {}
    settings.SECRET_KEY_FALLBACKS = [earlier]
    assert data_checks.check_keys().startswith("match")
    assert list(suppression.erasure_times(["gone@example.com"])) == ["gone@example.com"]
