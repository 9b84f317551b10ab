"""The documented installation, step by step. Each step runs blocks of docs/install.md as they are."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.production.installing.documents import shell_block
from tests.production.installing.machine import Machine

PAGE = "install.md"
SECTION = "Without Docker"
READY_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Step:
    title: str
    run: Callable[[Machine], None]


def _block(beginning: str, heading: str = SECTION) -> str:
    return shell_block(PAGE, heading, beginning)


def get_checkout(machine: Machine) -> None:
    machine.run(_block("sudo apt-get install git"))


def create_database(machine: Machine) -> None:
    machine.run(_block("sudo useradd"), typed=f"{machine.password}\n{machine.password}\n")
    machine.require_password_of_database()


def configure_redis(machine: Machine) -> None:
    machine.run(_block("printf 'appendonly yes"))
    machine.services["redis-server"].wait_until_ready(READY_TIMEOUT)


def write_variables(machine: Machine) -> None:
    machine.run(_block("sudo install -d -m 0755 /etc/portal"))


def install_packages(machine: Machine) -> None:
    machine.run(_block("sudo python3 -m venv"))


def start_services(machine: Machine) -> None:
    machine.run(_block("sudo cp deploy/systemd/*"))


def configure_nginx(machine: Machine) -> None:
    machine.run(_block("export PORTAL_HOST=", "nginx"))
    machine.services["nginx"].wait_until_ready(READY_TIMEOUT)


def check_and_create_staff(machine: Machine) -> None:
    machine.run(_block("portal-manage doctor --wait 60"))


def put_pgbouncer_between(machine: Machine) -> None:
    machine.run(_block("sudo apt-get install pgbouncer", "PgBouncer"))
    machine.services["pgbouncer"].wait_until_ready(READY_TIMEOUT)
    machine.set_variables(
        DATABASE_URL=f"postgres://portal:{machine.password}@127.0.0.1:{machine.ports['pgbouncer']}/portal",
        DATABASE_TRANSACTION_POOLING="true",
    )
    restart(machine)


def restart(machine: Machine) -> None:
    """As docs/security.md and docs/install.md say after a change of the variables."""
    machine.run("sudo systemctl restart portal-web portal-worker portal-beat")
    machine.run("portal-manage doctor --wait 60")


STEPS = [
    Step("1. Packages of Debian, the checkout", get_checkout),
    Step("2. User, role and database", create_database),
    Step("3. Redis", configure_redis),
    Step("4. The variables", write_variables),
    Step("5. Python's packages, translations, static files, tables", install_packages),
    Step("6. Services: web, worker, beat", start_services),
    Step("7. nginx with HTTPS", configure_nginx),
    Step("7. doctor finds nothing, the first login", check_and_create_staff),
    Step("PgBouncer in transaction mode", put_pgbouncer_between),
]
