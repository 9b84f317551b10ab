import subprocess
import sys

import pytest

from tests.portal.running_demo import ROOT, bare_environment, manage

COMPLETE = {
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ORDER_PASSWORD_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SITE_URL": "https://orders.example.com",
    "DATABASE_URL": "postgres://portal@127.0.0.1:1/portal",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "VAR": "var-of-nobody",
}
REQUIRED = ["SECRET_KEY", "ORDER_PASSWORD_KEY", "SITE_URL", "DATABASE_URL", "BROKER_URL", "EMAIL_URL"]


def assert_single_error_line(stderr: str, name: str) -> None:
    assert f"Settings: {name}" in stderr
    assert "Traceback" not in stderr
    assert len(stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    completed = manage("check", **{key: value for key, value in COMPLETE.items() if key != name})
    assert completed.returncode == 1
    assert_single_error_line(completed.stderr, f"{name} isn't set.")


def test_an_empty_setting_counts_as_missing() -> None:
    completed = manage("check", **COMPLETE | {"SECRET_KEY": ""})
    assert completed.returncode == 1
    assert_single_error_line(completed.stderr, "SECRET_KEY isn't set.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "http://orders.example.com"),
        ("DATABASE_URL", "sqlite:///orders.sqlite3"),
        ("SITE_FAILED_CARDS_PER_DAY", "0"),
        ("STAFF_TIME_ZONE", "Berlin"),
        ("LANGUAGES", "en,klingon"),
        ("LANGUAGES", "en;de"),
        ("LANGUAGES", "de,en,de"),
        ("TRANSLATIONS_FOLDER", "/no/such/folder"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "x" * 50),
        ("ORDER_PASSWORD_KEY", "changeme"),
        ("SITE_URL", "orders.example.com"),
        ("SITE_URL", "https://"),
        ("SITE_URL", "https://orders.example.com:port"),
        ("SITE_URL", "https://user:password@orders.example.com"),
        ("SITE_URL", "https://orders example.com"),
        ("DATABASE_URL", "postgres://portal@localhost:port/portal"),
        ("DATABASE_URL", "postgres://portal@localhost"),
        ("DATABASE_URL", "portal"),
        ("BROKER_URL", "localhost:6379"),
        ("BROKER_URL", "memory://"),
        ("EMAIL_URL", "mail.example.com"),
        ("EMAIL_URL", "smtp://mail.example.com:port"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "consolemail://"),
        ("DEMO", "maybe"),
        ("BEHIND_PROXY", "ture"),
        ("DATABASE_TRANSACTION_POOLING", "pgbouncer"),
        ("CONN_MAX_AGE", "a minute"),
        ("CONN_MAX_AGE", "-1"),
        ("CONFIRMATION_WINDOW_HOURS", "72h"),
        ("CLIENT_IP_PROXIES", "0"),
        ("CLIENT_IP_HEADER", "X-Forwarded-For: "),
        ("TRUSTED_PROXIES", "10.0.0.300"),
        ("ALLOWED_HOSTS", "https://orders.example.com"),
        ("ALLOWED_HOSTS", "orders.example.com/path"),
        ("DEFAULT_FROM_EMAIL", "Orders"),
        ("SUPPORT_EMAIL", "support@"),
        ("BACKUP_STAMP", "last-backup"),
        ("BACKUP_MAX_HOURS", "a day"),
        ("ERROR_EMAILS", "ops"),
        ("ERROR_EMAILS", "ops@example.com;dev@example.com"),
        ("SUPPORT_URL", "support.example.com"),
        ("SUPPORT_URL", "javascript:alert(1)"),
        ("VENDOR_COLOR", "blue"),
        ("VENDOR_COLOR", "#0b5"),
        ("VENDOR_COLOR", "#0b5cad;}"),
        ("VENDOR_LOGO", "vendor/missing.svg"),
        ("VENDOR_LOGO", "/etc/passwd"),
        ("VENDOR_LOGO", "../manage.py"),
        ("INVOICE_FONT_FOLDER", "/no/such/folder"),
        ("UPLOAD_TEMP_FOLDER", "/no/such/folder"),
        ("STRIPE_SECRET_KEYS", "sk_live_1"),
        ("STRIPE_SECRET_KEYS", "europe="),
        ("STRIPE_API_BASE", "http://api.stripe.com"),
        ("PRIVATE_S3_ENDPOINT", "s3.example.com"),
        ("RELEASES_S3_ADDRESSING", "auto-path"),
        ("ACCEL_REDIRECT_PREFIX", "installers"),
        ("RETENTION_DAYS", "unknown=3"),
        ("HSTS_DAYS", "one year"),
        ("HSTS_PRELOAD", "true"),
        ("UPLOAD_MAX_MEGABYTES", "0"),
        ("RETENTION_DAYS", "attempts"),
        ("RETENTION_DAYS", "attempts=0"),
        ("RETENTION_DAYS", "attempts=soon"),
        ("RETENTION_DAYS", "attempts=99999999"),
        ("RETENTION_DAYS", "no_such_kind=30"),
        ("ACTIVATION_KEYS", "windows"),
        ("ACTIVATION_KEYS", "windows=" + "x" * 31),
        ("ACTIVATION_KEYS", "=" + "x" * 32),
        ("ACTIVATION_KEYS", f"mac={'x' * 32},mac={'y' * 32}"),
    ],
)
def test_an_unsafe_setting_is_refused(name: str, value: str) -> None:
    completed = manage("check", **COMPLETE | {name: value})
    assert completed.returncode == 1
    assert_single_error_line(completed.stderr, name)


@pytest.mark.parametrize(
    "command", [["celery", "-A", "portal.celery", "beat"], ["gunicorn", "--check-config", "portal.wsgi"]]
)
def test_worker_and_web_server_report_a_missing_setting(command: list[str]) -> None:
    environment = bare_environment(**{key: value for key, value in COMPLETE.items() if key != "SECRET_KEY"})
    completed = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert completed.returncode != 0
    assert "Settings: SECRET_KEY isn't set." in completed.stderr + completed.stdout


def test_production_settings_pass_the_deployment_checks_of_django() -> None:
    completed = manage("check", "--deploy", "--fail-level", "WARNING", **COMPLETE)
    assert completed.returncode == 0, completed.stderr


def test_an_empty_optional_setting_keeps_its_default() -> None:
    completed = manage("diffsettings", "--all", **COMPLETE | {"ALLOWED_HOSTS": "", "DEFAULT_FROM_EMAIL": ""})
    assert "ALLOWED_HOSTS = ['orders.example.com']" in completed.stdout
    assert "DEFAULT_FROM_EMAIL = 'orders@orders.example.com'" in completed.stdout


def test_every_way_to_set_a_period_applies() -> None:
    code = "from django.conf import settings; print(*(settings.KEPT_FOR[kind].days for kind in {kinds}))"
    kinds = ["attempts", "threads", "look_records", "staff_actions", "uploads"]
    periods = {
        "RETENTION_DAYS": "attempts=7, threads=8,look_records=9",
        "STAFF_ACTIONS_KEPT_DAYS": "10",
        "UPLOADS_KEPT_DAYS": "11",
    }
    completed = manage("shell", "--no-imports", "-c", code.format(kinds=kinds), **COMPLETE, **periods)
    assert completed.stdout.split() == ["7", "8", "9", "10", "11"], completed.stderr
