"""What an operator can solve ends a command with a sentence: no database, old tables, Ctrl-C, a closed pipe."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.portal.running_demo import ROOT, bare_environment

# Every command that uses the database, with arguments.
COMMANDS: dict[str, tuple[str, ...]] = {
    "add_release": ("manage.py", "--product", "suite", "--version", "1.0", "--platform", "linux"),
    "after_restore": ("--dry-run",),
    "create_staff": ("ann", "--role", "agent"),
    "erase_person": ("ann@example.com", "--dry-run"),
    "export_person": ("ann@example.com", "--output", "/nonexistent/ann.zip"),
    "import_orders": ("{orders}", "--dry-run"),
    "purge_files": ("--dry-run",),
    "read_bounces": ("{report}",),
    "reset_second_factor": ("ann",),
    "restore_roles": ("--dry-run",),
    "retention": ("--dry-run",),
    "rotate_keys": (),
    "send_followups": ("--dry-run",),
    "send_refunds": ("--dry-run",),
    "setup": ("--no-input",),
    "undo_import": ("1", "--dry-run"),
    # Of Django and its apps
    "axes_reset_username": ("ann",),
    "createsuperuser": ("--no-input", "--username", "ann", "--email", "ann@example.com"),
    "migrate": (),
}
OTHERS = {"demo", "doctor", "list_longest_buttons", "makemessages", "prepare_demo", "replay_policy"}
FILES = {"orders": '{"store": "acme", "number": "A-1", "placed_at": "2026-11-01T00:00:00Z", "lines": []}\n'}
OWN = {"desk", "files", "intake", "licenses", "notifications", "orders", "portal", "refunds", "support"}
FILES["report"] = """\
From: mailer-daemon@example.com
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; example.com

Final-Recipient: rfc822; ann@example.com
Action: failed
Status: 5.1.1

--b--
"""


def environment(folder: Path, database_url: str) -> dict[str, object]:
    return {
        "SECRET_KEY": "tests-only-" + "x" * 50,
        "ORDER_PASSWORD_KEY": "tests-only-" + "y" * 50,
        "SITE_URL": "https://orders.example.com",
        "DATABASE_URL": database_url,
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "VAR": folder,
    }


def arguments(command: str, folder: Path) -> list[str]:
    paths = {name: folder / name for name in FILES}
    for name, content in FILES.items():
        paths[name].write_text(content)
    return [command, *(each.format(**paths) for each in COMMANDS[command])]


def test_every_command_of_the_project_is_listed() -> None:
    assert {name for name, app in get_commands().items() if app in OWN} <= COMMANDS.keys() | OTHERS


# All commands in one process, because each start takes a second. Prints the exit status and the errors of each.
RUNNER = """
import io, json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
from django.core.management import execute_from_command_line
from portal.command_line import run
found = {}
for arguments in json.loads(sys.argv[1]):
    sys.stderr = io.StringIO()
    try:
        run(execute_from_command_line, ["manage.py", *arguments])
        status = 0
    except SystemExit as ended:
        status = ended.code
    except BaseException as error:
        status = repr(error)
    found[arguments[0]] = [status, sys.stderr.getvalue()]
sys.stderr = sys.__stderr__
print("\\n" + json.dumps(found))
"""


def run_all(folder: Path, database_url: str, commands: Iterable[str]) -> dict[str, tuple[object, str]]:
    """Return the exit status of each command, and the last line of its errors."""
    calls = json.dumps([arguments(command, folder) for command in commands])
    ended = subprocess.run(
        [sys.executable, "-c", RUNNER, calls],
        cwd=ROOT,
        env=bare_environment(**environment(folder, database_url)),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    return {command: (status, (errors.splitlines() or [""])[-1]) for command, (status, errors) in found.items()}


def test_without_a_database(tmp_path: Path) -> None:
    found = run_all(tmp_path, "postgres://portal@127.0.0.1:1/portal", COMMANDS)
    assert len(found) == len(COMMANDS)
    for command, (status, sentence) in found.items():
        assert status in (1, 2), (command, status)
        assert "Connection refused" in sentence, command


@pytest.fixture
def empty_database(django_db_blocker: DjangoDbBlocker, django_db_setup: None) -> Iterator[str]:
    """The address of a database without tables."""
    name = f"unmigrated_{os.getpid()}"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
    base, _slash, rest = os.environ["DATABASE_URL"].rpartition("/")
    yield f"{base}/{name}{rest[rest.index('?') :] if '?' in rest else ''}"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


def test_without_tables(tmp_path: Path, empty_database: str) -> None:
    found = run_all(tmp_path, empty_database, COMMANDS.keys() - {"migrate"})
    assert len(found) == len(COMMANDS) - 1
    for command, (status, sentence) in found.items():
        assert status == 2, (command, status)
        assert "manage.py migrate" in sentence, command


def start(folder: Path, *command: str, **options: object) -> "subprocess.Popen[bytes]":
    values = bare_environment(**environment(folder, "postgres://portal@127.0.0.1:1/portal"))
    return subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=values,
        stderr=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )


def test_a_reader_that_has_read_enough(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(tmp_path, "retention", "--reasons", stdout=writing)
    os.close(writing)
    _output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (141, b"")


def test_ctrl_c() -> None:
    code = (
        "import signal; from portal.command_line import run;"
        "run(lambda arguments: signal.raise_signal(signal.SIGINT), ['manage.py', 'retention'])"
    )
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a run in the background ignores it, and so does its child
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "Stopped.\n")


def test_the_traceback_is_shown_on_demand(tmp_path: Path) -> None:
    process = start(tmp_path, "restore_roles", "--traceback")
    _output, errors = process.communicate(timeout=60)
    assert b"Traceback" in errors
