"""The units in deploy/systemd start what Compose starts, as an unprivileged user that reaches only its own folder."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from tests.portal.running_demo import ROOT
from tests.programs import find_program

UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("web", "worker", "beat")


def read(name: str) -> dict[str, list[str]]:
    """The settings of a unit by name. A setting can occur several times."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        setting, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(setting, []).append(value)
    return found


def compose_command(service: str) -> list[str]:
    if service == "web":
        found = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert found
        return [part.replace("0.0.0.0", "127.0.0.1") for part in yaml.safe_load(found[1])]
    command: list[str] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]["command"]
    return command


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_starts_what_compose_starts(service: str) -> None:
    [command] = read(f"portal-{service}.service")["ExecStart"]
    program, *arguments = command.split()
    assert [Path(program).name, *arguments] == compose_command(service)
    assert program.startswith("/opt/portal/.venv/bin/")


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_runs_unprivileged_and_writes_only_into_its_folder(service: str) -> None:
    unit = read(f"portal-{service}.service")
    assert unit["User"] == unit["Group"] == ["portal"]
    assert unit["NoNewPrivileges"] == unit["ProtectHome"] == ["true"]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["ReadWritePaths"] == ["/var/lib/portal"]
    assert unit["Environment"] == ["HOME=/var/lib/portal VAR=/var/lib/portal"]
    assert unit["Restart"] == ["always"]


def test_the_worker_has_time_to_finish_its_task() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]
    [seconds] = read("portal-worker.service")["TimeoutStopSec"]
    assert f"{seconds}s" == compose["stop_grace_period"]
    assert int(seconds) > settings.CELERY_TASK_TIME_LIMIT
    assert read("portal-worker.service")["KillMode"] == ["mixed"]  # SIGTERM would interrupt the task's own process


def test_the_target_starts_all_of_them() -> None:
    assert set(read("portal.target")["Wants"][0].split()) == {f"portal-{service}.service" for service in SERVICES}


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_understands_the_unit(name: str, tmp_path: Path) -> None:
    program = find_program("systemd-analyze", package="systemd")
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/opt/portal/.venv/bin/gunicorn", "/bin/true")
        (tmp_path / unit.name).write_text(text.replace("/opt/portal/.venv/bin/celery", "/bin/true"))
    checked = subprocess.run(
        [program, "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "Unknown" not in checked.stderr
