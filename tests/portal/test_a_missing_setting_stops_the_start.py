"""What has no safe default is asked for in a sentence, by every process."""

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
SECRETS = ["SECRET_KEY", "ORDER_PASSWORD_KEY", "SITE_URL", "DATABASE_URL", "BROKER_URL", "EMAIL_URL"]


def assert_told(stderr: str, name: str) -> None:
    assert f"Settings: {name}" in stderr
    assert "Traceback" not in stderr
    assert len(stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_value_is_named(name: str) -> None:
    told = manage("check", **{key: value for key, value in COMPLETE.items() if key != name})
    assert told.returncode == 1
    assert_told(told.stderr, f"{name} is not set.")


def test_an_empty_value_is_a_missing_one() -> None:
    told = manage("check", **COMPLETE | {"SECRET_KEY": ""})
    assert told.returncode == 1
    assert_told(told.stderr, "SECRET_KEY is not set.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "http://orders.example.com"),
        ("DATABASE_URL", "sqlite:///orders.sqlite3"),
        ("UPLOAD_MAX_MEGABYTES", "0"),
        ("ACTIVATION_KEYS", "windows"),
        ("ACTIVATION_KEYS", "windows=" + "x" * 31),
        ("ACTIVATION_KEYS", "=" + "x" * 32),
        ("ACTIVATION_KEYS", f"mac={'x' * 32},mac={'y' * 32}"),
    ],
)
def test_a_value_that_is_not_safe_is_refused(name: str, value: str) -> None:
    told = manage("check", **COMPLETE | {name: value})
    assert told.returncode == 1
    assert_told(told.stderr, name)


@pytest.mark.parametrize(
    "command", [["celery", "-A", "portal.celery", "beat"], ["gunicorn", "--check-config", "portal.wsgi"]]
)
def test_worker_and_web_server_say_the_same(command: list[str]) -> None:
    environment = bare_environment(**{key: value for key, value in COMPLETE.items() if key != "SECRET_KEY"})
    told = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode != 0
    assert "Settings: SECRET_KEY is not set." in told.stderr + told.stdout


def test_production_settings_pass_djangos_own_judgment() -> None:
    judged = manage("check", "--deploy", "--fail-level", "WARNING", **COMPLETE)
    assert judged.returncode == 0, judged.stderr


def test_what_compose_passes_as_empty_keeps_its_default() -> None:
    shown = manage("diffsettings", "--all", **COMPLETE | {"ALLOWED_HOSTS": "", "DEFAULT_FROM_EMAIL": ""})
    assert "ALLOWED_HOSTS = ['orders.example.com']" in shown.stdout
    assert "DEFAULT_FROM_EMAIL = 'orders@orders.example.com'" in shown.stdout
