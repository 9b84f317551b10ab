"""`make production` finds each of its commands in the documentation, knows each program, and leaves nothing behind.

The command itself takes minutes, so it isn't part of `make test`. These tests notice when the documentation changes.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import psutil
import pytest

from tests.portal.running_demo import ROOT, bare_environment
from tests.production.installing import black_box, documents, installation, stand_ins
from tests.production.installing.documents import NotDocumented, command, shell_block, shell_blocks
from tests.production.installing.machine import PACKAGES, PREFIX, Machine, find_python
from tests.production.installing.services import parse_unit
from tests.programs import find_program
from tests.waiting import wait_until

SECTIONS = [
    ("install.md", "Without Docker"),
    ("install.md", "nginx"),
    ("install.md", "PgBouncer"),
    ("operate.md", "Backups"),
    ("operate.md", "Restore"),
]
OTHER_SERVICE_MANAGER = ".venv/bin/gunicorn"  # the beginning of the block for those without systemd
# They change nothing but what their arguments name, and those are below the folder of the test.
HARMLESS = {
    "cd", "cp", "createdb", "createuser", "dropdb", "echo", "envsubst", "export", "grep", "openssl",
    "pg_dump", "pg_restore", "printf", "python3", "portal-manage", "sed", "tar", "tee", "tr",
    ".venv/bin/pip", ".venv/bin/pybabel",
}  # fmt: skip


def all_blocks() -> list[str]:
    upgrade = shell_block("operate.md", "Upgrades", "cd /opt/portal && sudo git pull")
    return [*(block for section in SECTIONS for block in shell_blocks(*section)), upgrade]


def programs_of(block: str) -> set[str]:
    """The programs that a block starts, after sudo."""
    script = re.sub(r"<<END\n.*?\nEND\n", "\n", block, flags=re.DOTALL)
    script = re.sub(r"'[^']*'|\"[^\"]*\"", "quoted", script)
    commands = re.split(r"\$\(|[()\n;|]|&&", script)
    names = set()
    for each in commands:
        words = shlex.split(each, comments=True)
        while words and (words[0] == "sudo" or re.match(r"^\w+=", words[0])):
            words = words[3:] if words[:2] == ["sudo", "-u"] else words[1:]
        names |= set(words[:1])
    return names


def recorded(steps: list[Any]) -> list[str]:
    """The commands that the steps run, without running them."""
    machine = MagicMock(spec=Machine)
    machine.password, machine.ports, machine.services = "x", {"pgbouncer": 1}, MagicMock()
    for step in steps:
        step.run(machine)
    return [call.args[0] for call in machine.run.call_args_list]


def test_the_installation_runs_every_block_of_its_part_of_the_documentation() -> None:
    run = recorded(installation.STEPS)
    documented = [block for page, heading in SECTIONS[:3] for block in shell_blocks(page, heading)]
    assert [block for block in documented if block not in run and not block.startswith(OTHER_SERVICE_MANAGER)] == []


def test_what_the_black_box_runs_is_documented() -> None:
    source = Path(black_box.__file__).read_text()
    for page, heading, beginning in re.findall(r'shell_block\("([^"]+)", "([^"]+)", "([^"]+)"\)', source):
        assert shell_block(page, heading, beginning)
    mentioned = re.findall(r'command\(\s*"([^"]+)", "([^"]+)"', source)
    assert len(mentioned) >= 4
    for page, text in mentioned:
        assert command(page, text)


def test_every_program_is_harmless_or_has_a_stand_in() -> None:
    names = {
        name for block in all_blocks() if not block.startswith(OTHER_SERVICE_MANAGER) for name in programs_of(block)
    }
    unknown = names - HARMLESS - set(stand_ins.PROGRAMS)
    assert not unknown, f"Add a stand-in, or say that it's harmless: {unknown}"


@pytest.mark.parametrize("block", all_blocks(), ids=lambda block: block.splitlines()[0][:40])
def test_the_shell_understands_the_block(block: str) -> None:
    checked = subprocess.run(["bash", "-n", "-c", block], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_every_package_is_one_that_is_looked_for() -> None:
    named = {
        word for block in all_blocks() for line in re.findall(r"apt-get install (.+)", block) for word in line.split()
    }
    assert named == set(PACKAGES)


def test_every_value_that_is_replaced_is_in_the_documentation(tmp_path: Path) -> None:
    machine = MagicMock()
    machine.engines.socket_folder, machine.folder = tmp_path, tmp_path
    text = "".join(all_blocks())
    for value in Machine.replacements(machine):
        assert value in text, f"{value} isn't in the documentation anymore; the installation would use the machine's."
    assert re.search(r"\bPASSWORD\b", text)


def test_no_documented_path_is_one_of_the_machine(tmp_path: Path) -> None:
    for block in all_blocks():
        paths = re.findall(r"(?<![\w./}:-])/\w[\w/.-]*", block)
        kept = {path for path in paths if stand_ins.own_paths(path, tmp_path) == path}
        assert kept <= {"/dev/null", "/usr/sbin/nologin", "/installers/"}


def test_units_start_what_is_documented_for_other_service_managers() -> None:
    lines = shell_block("install.md", "Without Docker", OTHER_SERVICE_MANAGER).splitlines()
    assert len(lines) == 3
    for line, name in zip(lines, ("web", "worker", "beat"), strict=True):
        [started] = parse_unit((ROOT / "deploy" / "systemd" / f"portal-{name}.service").read_text())["ExecStart"]
        assert started.startswith(f"/opt/portal/{line}")


def test_the_web_server_writes_no_control_socket_into_a_home() -> None:
    command = [sys.executable, "-m", "gunicorn", "--print-config", "portal.wsgi"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search(r"^control_socket_disable += True$", shown.stdout, re.MULTILINE), shown.stdout + shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["useradd", "somebody"],
        ["usermod", "--append", "--groups", "sudo", "www-data"],
        ["sudo", "-u", "root", "id"],
        ["apt-get", "install", "unknown-package"],
        ["git", "push"],
        ["systemd-run", "--unknown", "id"],
        ["install", "-o", "somebody", "a", "b"],
    ],
    ids=" ".join,
)
def test_a_stand_in_refuses_what_the_documentation_did_not_say(tmp_path: Path, arguments: list[str]) -> None:
    configuration = '{"packages": [], "unprivileged": {}, "service_environment": {}, "checkout": "", "files": []}'
    (tmp_path / stand_ins.CONFIGURATION).write_text(configuration)
    refused = subprocess.run(
        [sys.executable, stand_ins.__file__, *arguments],
        env=os.environ | {"PRODUCTION_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "doesn't know how to do this" in refused.stderr


def test_a_missing_block_is_an_error_that_names_it() -> None:
    with pytest.raises(NotDocumented, match=r"install\.md, nginx: 0 blocks .* 'sudo rm'"):
        shell_block("install.md", "nginx", "sudo rm")
    with pytest.raises(NotDocumented, match=r"`manage\.py no_such_command`"):
        documents.command("operate.md", "no_such_command")


def test_an_interrupted_run_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    for program, package in (("nginx", "nginx-light"), ("pgbouncer", "pgbouncer"), ("envsubst", "gettext-base")):
        find_program(program, package=package)
    if not find_python() and "CI" not in os.environ:
        pytest.skip("Python has no venv (Debian: apt-get install python3-venv).")
    output = tmp_path / "output"
    temporary = tmp_path / "tmp"
    temporary.mkdir(mode=0o755)
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.production.installing", "--only-install"],
            cwd=ROOT,
            env=bare_environment(VAR=tmp_path / "var", TMPDIR=tempfile.gettempdir(), COLUMNS="200"),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: "ok" in output.read_text() or process.poll() is not None, "the first step", 120)
        assert process.poll() is None, output.read_text()
        folder = re.search(rf"{re.escape(tempfile.gettempdir())}/{PREFIX}\w+", output.read_text())
        assert folder
        started = psutil.Process(process.pid).children(recursive=True)
        assert any(each.name() == "postgres" for each in started)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 1
        assert "no process, no file is left" in output.read_text()
        assert not Path(folder[0]).exists()
        _gone, alive = psutil.wait_procs(started, timeout=5)
        assert alive == []
        assert (tmp_path / "var" / "production.log").exists()
    finally:
        if process.poll() is None:
            process.kill()
