"""A file that takes over its decoder can't access secrets: no files, connections or other processes."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from files import validation
from files.validation import clean_upload
from tests.files import factories

PR_GET_DUMPABLE = 3
# Does something that a hostile file could do, in place of the decoder, and responds with the result.
HOSTILE_CLEANER = """
import ctypes, os, signal, socket, subprocess
from files.cleaning.child_process import run_cleaner

def clean(content, file_type):
    try:
        result = {attack}
    except Exception as error:
        result = "refused: " + type(error).__name__
    return "image/png", repr(result).encode()

run_cleaner(clean)
"""
READ_PARENTS_MEMORY = """ctypes.CDLL(None, use_errno=True).process_vm_readv(
    os.getppid(), ctypes.byref((ctypes.c_void_p * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)), 1,
    ctypes.byref((ctypes.c_void_p * 2)({address}, 8)), 1, 0)"""

# The cleaner is confined by Linux features, and the attacks are for Linux. Production and CI are Linux.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and /proc exist on Linux only")


@pytest.fixture
def secret() -> Iterator[str]:
    """A secret in the environment of this process."""
    os.environ["SECRET_FOR_THE_TEST"] = "only for the test"
    yield os.environ["SECRET_FOR_THE_TEST"]
    del os.environ["SECRET_FOR_THE_TEST"]


def attack(monkeypatch: pytest.MonkeyPatch, expression: str) -> str:
    """Evaluate a Python expression in place of the decoder. Returns the repr of its value, or that it failed."""
    run = subprocess.run

    def run_hostile(command: list[str], **options: object) -> object:
        code = HOSTILE_CLEANER.replace("{attack}", expression)
        return run([sys.executable, "-B", "-P", "-c", code, command[-1]], **options)

    monkeypatch.setattr(validation.subprocess, "run", run_hostile)
    return clean_upload(factories.upload(factories.png())).content.decode()


@pytest.mark.parametrize(
    "expression",
    [
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open('/proc/1/environ').read()",
        "open('/proc/self/environ').read()",
        "open('/etc/passwd').read()",
        "os.listdir('/')",
        "socket.socket()",
        "os.pipe()",
        "os.pidfd_open(os.getppid())",
        "subprocess.run(['/bin/cat', '/etc/passwd'], capture_output=True)",
        "(os.close(0), open('/etc/passwd').read())",
        "__import__('resource').setrlimit(__import__('resource').RLIMIT_NOFILE, (64, 64))",
    ],
)
def test_it_opens_nothing(monkeypatch: pytest.MonkeyPatch, expression: str) -> None:
    assert attack(monkeypatch, expression).startswith("'refused: ")


def test_the_attacks_above_would_succeed_without_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules[__name__], "HOSTILE_CLEANER", HOSTILE_CLEANER.replace("run_cleaner(clean)", NO_LIMITS)
    )
    assert "root" in attack(monkeypatch, "open('/etc/passwd').read()")
    assert "refused" not in attack(monkeypatch, "open(f'/proc/{os.getppid()}/environ').read()")


NO_LIMITS = """
from files.cleaning import child_process
child_process._drop_rights = lambda: None
run_cleaner(clean)
"""


def test_it_reads_no_memory_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    expression = "ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)"  # PTRACE_ATTACH
    assert attack(monkeypatch, expression) == "-1"
    address = id(factories)  # of an object in this process
    assert attack(monkeypatch, READ_PARENTS_MEMORY.replace("{address}", str(address)).replace("\n", " ")) == "-1"


def test_it_is_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    assert attack(monkeypatch, "os.geteuid()") != "0"


# --- Processes with secrets ---------------------------------------------------------------------------------

READER = """
import os, sys, ctypes
sys.path.insert(0, {folder!r})
from files.cleaning import child_process
from portal.process_memory import make_undumpable
os.setgroups([]) if os.geteuid() == 0 else None
os.geteuid() == 0 and (os.setgid(65534), os.setuid(65534))
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as any process is after it was started
{protect}
reader = os.fork()
if reader == 0:
    {in_reader}
    try:
        found = b"SECRET_FOR_THE_TEST" in open(f"/proc/{{os.getppid()}}/environ", "rb").read()
        print("read" if found else "empty")
    except OSError:
        print("refused")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(reader, 0)
"""


@pytest.mark.parametrize(
    ("protect", "in_reader", "result"),
    [
        ("", "pass", "read"),
        ("make_undumpable()", "pass", "refused"),
        ("", "child_process._drop_rights()", "refused"),
    ],
)
def test_another_process_of_the_same_user_cannot_read_the_environment(
    secret: str, protect: str, in_reader: str, result: str
) -> None:
    program = READER.format(folder=str(settings.BASE_DIR), protect=protect, in_reader=in_reader)
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == result


SETTINGS = {
    "SECRET_KEY": "tests-only-" + "x" * 50,
    "ORDER_PASSWORD_KEY": "tests-only-" + "y" * 50,
    "SITE_URL": "https://orders.example.com",
    "DATABASE_URL": "postgres://portal@localhost/portal",
    "BROKER_URL": "redis://localhost/0",
    "EMAIL_URL": "smtp://localhost:25",
    "VAR": "/nonexistent",
}


@pytest.mark.parametrize("module", ["portal.settings", "gunicorn_configuration"])
def test_every_process_with_the_secrets_is_protected(module: str) -> None:
    load = f"import {module}"
    if module == "gunicorn_configuration":
        load = "import runpy; runpy.run_path('gunicorn.conf.py')['on_starting'](None)"
    program = f"{load}\nimport ctypes; print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0))"
    shown = subprocess.check_output(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, env=SETTINGS | {"PATH": os.defpath}, text=True
    )
    assert shown.strip() == "0"


def test_cleaning_works_in_a_protected_process() -> None:
    """Without `/proc/self`, Python closes the child's files in another way."""
    program = (
        "import ctypes, subprocess, sys; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0);"
        "print(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True, timeout=20).stdout)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "1"
