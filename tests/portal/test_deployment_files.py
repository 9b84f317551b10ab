import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent.parent
SECRETS = ("SECRET_KEY", "ORDER_PASSWORD_KEY", "POSTGRES_PASSWORD", "SITE_URL", "EMAIL_URL")


@pytest.fixture(scope="module")
def compose() -> dict[str, dict]:
    services: dict[str, dict] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


def test_the_image_runs_as_an_unprivileged_user_with_a_health_check() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    final = lines.split("\nFROM ")[-1]
    assert "\nUSER portal\n" in final
    assert "/healthz" in final
    assert "gunicorn" in final
    assert "--require-hashes" in lines


def test_the_image_contains_every_app_and_the_gunicorn_configuration() -> None:
    included = set((ROOT / ".dockerignore").read_text().splitlines())
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert {f"!{name}" for name in (*rooms, "gunicorn.conf.py")} <= included


def test_the_image_contains_no_secret() -> None:
    lines = [line for line in (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1].splitlines() if "KEY" in line]
    assert lines == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_stops_compose_with_a_message(name: str) -> None:
    uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", (ROOT / "docker-compose.yml").read_text())
    assert uses
    for rest in uses:
        assert re.fullmatch(r":\?.*\.", rest), "must stop with a message"


def test_the_broker_is_persistent_and_never_evicts(compose: dict[str, dict]) -> None:
    command = compose["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_services_start_after_the_migrations(compose: dict[str, dict]) -> None:
    for name in ("web", "worker", "beat"):
        assert compose[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert compose[name]["depends_on"]["db"] == {"condition": "service_healthy"}


def test_every_long_running_service_has_a_health_check(compose: dict[str, dict]) -> None:
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()  # web's
    for name in ("worker", "beat", "db", "redis"):
        assert compose[name]["healthcheck"]["test"]


def test_services_run_with_minimal_privileges(compose: dict[str, dict]) -> None:
    for name in ("migrate", "web", "worker", "beat"):
        assert compose[name]["read_only"] is True
        assert compose[name]["cap_drop"] == ["ALL"]
        assert compose[name]["security_opt"] == ["no-new-privileges:true"]


def test_only_the_web_server_listens_and_only_on_localhost(compose: dict[str, dict]) -> None:
    assert [name for name, service in compose.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in compose["web"]["ports"])


def variables_of_settings() -> set[str]:
    source = (ROOT / "portal" / "settings.py").read_text()
    return set(re.findall(r'(?:env\.\w+|required)\(\s*"([A-Z_0-9]+)"', source))


def test_the_documentation_lists_every_variable_and_no_other() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_0-9]+)` \|", page, re.MULTILINE))
    demo_only = {"DEMO", "DEMO_ADMIN_PASSWORD"}
    assert listed == variables_of_settings() - demo_only
    assert all(f"`{name}`" in page for name in demo_only)


def test_compose_passes_only_what_settings_read(compose: dict[str, dict]) -> None:
    assert set(compose["web"]["environment"]) <= variables_of_settings()


@pytest.mark.parametrize("extras", [[], ["trial", "dev"]])
def test_the_lock_files_satisfy_the_requirements(extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / ("requirements-dev.lock" if extras else "requirements.lock")).read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    versions = {name.lower().replace("_", "-"): version for name, version in locked.items()}
    required = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    for requirement in map(Requirement, required):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(versions[requirement.name.lower()]), "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_files_have_hashes_and_no_index(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    pins = re.findall(r"^[\w.-]+==.*\n(?:.*\n)?", lock, re.MULTILINE)
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)


def test_commands_in_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", readme)) <= targets
    for path in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / path).exists()
