"""Facts about the files that install and deploy the portal."""

import ast
import os
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
SECRETS = ("SECRET_KEY", "ORDER_PASSWORD_KEY", "POSTGRES_PASSWORD", "SITE_URL", "EMAIL_URL")


@pytest.fixture(scope="module")
def compose() -> dict[str, dict]:
    services: dict[str, dict] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


def test_the_image_runs_as_an_ordinary_user_and_looks_after_its_health() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    final = lines.split("\nFROM ")[-1]
    assert "\nUSER portal\n" in final
    assert "/healthz" in final
    assert "gunicorn" in final
    assert "--require-hashes" in lines


def test_the_image_gets_every_app_and_the_web_servers_settings() -> None:
    sent = set((ROOT / ".dockerignore").read_text().splitlines())
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert {f"!{name}" for name in (*rooms, "gunicorn.conf.py")} <= sent


def test_the_image_runs_the_oldest_python_that_is_supported() -> None:
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    images = re.findall(r"^FROM python:(\S+?)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(images) == {oldest}


@pytest.mark.skipif("CI" not in os.environ, reason="developers may run any supported Python")
def test_changes_are_tested_on_the_python_of_the_image() -> None:
    major, minor = sys.version_info[:2]
    assert f"FROM python:{major}.{minor}-slim" in (ROOT / "Dockerfile").read_text()


def test_the_image_holds_no_secret() -> None:
    kept = [line for line in (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1].splitlines() if "KEY" in line]
    assert kept == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_stops_compose_with_a_sentence(name: str) -> None:
    uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", (ROOT / "docker-compose.yml").read_text())
    assert uses
    for rest in uses:
        assert re.fullmatch(r":\?.*\.", rest), "must stop, and say so in a sentence"


def test_the_broker_throws_nothing_away(compose: dict[str, dict]) -> None:
    command = compose["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_nothing_of_ours_starts_before_the_tables_are_there(compose: dict[str, dict]) -> None:
    for name in ("web", "worker", "beat"):
        assert compose[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert compose[name]["depends_on"]["db"] == {"condition": "service_healthy"}


def test_every_service_that_stays_has_a_health_check(compose: dict[str, dict]) -> None:
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()  # web's
    for name in ("worker", "beat", "db", "redis"):
        assert compose[name]["healthcheck"]["test"]


def test_our_processes_may_little(compose: dict[str, dict]) -> None:
    for name in ("migrate", "web", "worker", "beat"):
        assert compose[name]["read_only"] is True
        assert compose[name]["cap_drop"] == ["ALL"]
        assert compose[name]["security_opt"] == ["no-new-privileges:true"]


def test_only_the_web_server_is_reached_and_only_from_this_machine(compose: dict[str, dict]) -> None:
    assert [name for name, service in compose.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in compose["web"]["ports"])


def variables_of_settings() -> set[str]:
    source = (ROOT / "portal" / "settings.py").read_text()
    return set(re.findall(r'(?:env\.\w+|required)\(\s*"([A-Z_0-9]+)"', source))


def test_the_documentation_lists_every_variable_and_no_other() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_0-9]+)` \|", page, re.MULTILINE))
    trial = {"DEMO", "DEMO_ADMIN_PASSWORD"}
    assert listed == variables_of_settings() - trial
    assert all(f"`{name}`" in page for name in trial)


def test_compose_passes_only_what_settings_read(compose: dict[str, dict]) -> None:
    assert set(compose["web"]["environment"]) <= variables_of_settings()


@pytest.mark.parametrize("extras", [[], ["trial", "dev"]])
def test_the_locks_hold_what_the_project_asks_for(extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / ("requirements-dev.lock" if extras else "requirements.lock")).read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    versions = {name.lower().replace("_", "-"): version for name, version in locked.items()}
    wanted = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    for requirement in map(Requirement, wanted):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(versions[requirement.name.lower()]), "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_are_hashed_and_name_no_index(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    pins = re.findall(r"^[\w.-]+==.*\n(?:.*\n)?", lock, re.MULTILINE)
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_one_version_of_each_package(name: str) -> None:
    packages = re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(), re.MULTILINE)
    assert sorted(packages) == sorted(set(packages))


def _imports(folder: str) -> set[str]:
    """The top-level modules that the folder's files import."""
    nodes = [node for path in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | parts}


@pytest.mark.parametrize("folder", ["tests", "bench"])
def test_what_is_imported_for_tests_is_asked_for(folder: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["trial"] + extras["dev"]
    asked_for = {canonicalize_name(Requirement(line).name) for line in wanted}
    distributions = packages_distributions()
    missing = {
        module
        for module in _imports(folder) - sys.stdlib_module_names
        if module in distributions
        and not asked_for & {canonicalize_name(distribution) for distribution in distributions[module]}
    }
    assert missing == set()


def test_the_readmes_commands_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", readme)) <= targets
    for path in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / path).exists()
