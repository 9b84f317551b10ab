"""The services of the test, started and restarted as systemd would: units of `deploy/systemd/`, and servers.

`systemctl` in the documented commands is a stand-in that asks the `Services` of this process through a socket.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import socketserver
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.production.installing.stand_ins import CONTROL_SOCKET, read_environment_file
from tests.waiting import wait_until

POLL_INTERVAL = 0.1  # seconds
STOP_TIMEOUT = 100.0  # seconds, if the unit says nothing


class ServiceFailed(Exception):
    """A service did not start. The message has the end of its log."""


@dataclass
class Service:
    """A process that is started again when it ends, until it is stopped."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: str
    log: Path
    options: Mapping[str, Any] = field(default_factory=dict)  # of subprocess: the user, the umask
    environment_file: Path | None = None  # read at each start, as systemd does
    reload_command: str = ""
    stop_timeout: float = STOP_TIMEOUT
    restart_wait: float = 0.1  # seconds
    is_ready: Callable[[], bool] | None = None
    prepare: Callable[[], None] | None = None  # before each start
    process: "subprocess.Popen[bytes] | None" = None
    is_wanted: bool = False
    starts: int = 0

    def start(self) -> None:
        self.is_wanted = True
        if self.process is not None and self.process.poll() is None:
            return
        if self.prepare is not None:
            self.prepare()
        variables = read_environment_file(self.environment_file) if self.environment_file else {}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self.options,
            )
        self.starts += 1

    def stop(self) -> None:
        """Terminate the first process, and kill what it leaves behind (KillMode=mixed)."""
        self.is_wanted = False
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.stop_timeout)
        self.kill_group(process)
        process.wait()

    @staticmethod
    def kill_group(process: "subprocess.Popen[bytes]") -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def reload(self) -> None:
        assert self.process is not None
        if self.reload_command:
            subprocess.run(
                ["sh", "-c", self.reload_command], env={"MAINPID": str(self.process.pid)}, check=True, timeout=60
            )
        else:
            self.process.send_signal(signal.SIGHUP)

    def wait_until_ready(self, seconds: float) -> None:
        """Raises ServiceFailed."""
        if self.is_ready is not None:
            try:
                wait_until(self.is_ready, f"{self.name} is ready", seconds)
            except AssertionError as error:
                raise ServiceFailed(f"{error}\n{self.tail()}") from None

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) if self.log.exists() else ""


class Services:
    """All services by name, and the socket on which the stand-in for systemctl asks for them."""

    def __init__(self, folder: Path, read_unit: Callable[[str, str], "Service"], unit_folder: Path) -> None:
        self.by_name: dict[str, Service] = {}
        self._unit_folder = unit_folder
        self._read_unit = read_unit
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._server = self._make_server(folder / CONTROL_SOCKET)

    def start(self) -> None:
        self._watcher.start()
        threading.Thread(target=self._server.serve_forever, args=[POLL_INTERVAL], daemon=True).start()

    def stop(self) -> None:
        """Stop every service, the last one first."""
        self._ended.set()
        with contextlib.suppress(RuntimeError):
            self._watcher.join()
            self._server.shutdown()
        self._server.server_close()
        for service in reversed(self.by_name.values()):
            service.stop()

    def add(self, service: Service) -> Service:
        self.by_name[service.name] = service
        return service

    def __getitem__(self, name: str) -> Service:
        return self.by_name[name]

    def _watch(self) -> None:
        """Start services that ended, as `Restart=always` does."""
        while not self._ended.wait(POLL_INTERVAL):
            with self._lock:
                ended = [
                    service
                    for service in self.by_name.values()
                    if service.is_wanted and service.process is not None and service.process.poll() is not None
                ]
            for service in ended:
                self._ended.wait(service.restart_wait)
                with self._lock:
                    if service.is_wanted and service.process is not None and not self._ended.is_set():
                        service.kill_group(service.process)  # systemd leaves nothing of it
                        service.process.wait()
                        service.start()

    # --- systemctl -------------------------------------------------------------------------------------

    def control(self, arguments: list[str]) -> str:
        """Do what systemctl would. Returns what's wrong; empty if nothing is."""
        names = [name.removesuffix(".service") for name in arguments[1:] if not name.startswith("-")]
        if arguments[:1] == ["daemon-reload"]:
            self._read_units()
            return ""
        names = [name for name in names if not name.endswith(".target")]  # its services are named, too
        unknown = [name for name in names if name not in self.by_name]
        if unknown:
            return f"Unit {unknown[0]}.service not found."
        for name in names:
            with self._lock:
                if message := self._control_one(arguments[0], self.by_name[name]):
                    return message
        return ""

    def _control_one(self, action: str, service: Service) -> str:
        match action:
            case "enable" | "start":
                service.start()
            case "stop":
                service.stop()
            case "restart":
                service.stop()
                service.start()
            case "reload":
                service.reload()
            case _:
                return f"Unknown command verb {action}."
        return ""

    def _read_units(self) -> None:
        for path in sorted(self._unit_folder.glob("*.service")):
            service = self._read_unit(path.stem, path.read_text())
            with self._lock:
                if (running := self.by_name.get(path.stem)) is not None:
                    service.process, service.is_wanted = running.process, running.is_wanted
                    service.starts = running.starts
                self.by_name[path.stem] = service

    def _make_server(self, path: Path) -> socketserver.UnixStreamServer:
        services = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    message = services.control(json.loads(self.rfile.readline()))
                except (OSError, subprocess.SubprocessError) as error:
                    message = str(error)
                self.wfile.write(json.dumps({"status": int(bool(message)), "message": message}).encode() + b"\n")

        return socketserver.ThreadingUnixStreamServer(str(path), Handler)


def parse_unit(text: str) -> dict[str, list[str]]:
    """The settings of a unit by name. A setting can occur several times."""
    settings: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE):
        settings.setdefault(name, []).append(value)
    return settings


def service_of_unit(name: str, text: str, log: Path, environment: dict[str, str], options: dict[str, Any]) -> Service:
    """The service that a unit describes. `environment` and `options` belong to the machine and to the user."""
    settings = parse_unit(text)
    assert settings["Restart"] == ["always"], name
    assert settings["User"] == ["portal"], name
    own = dict(pair.partition("=")[::2] for line in settings.get("Environment", []) for pair in shlex.split(line))
    return Service(
        name=name,
        command=shlex.split(settings["ExecStart"][0]),
        environment=own | environment,
        environment_file=Path(settings["EnvironmentFile"][0]),
        folder=settings["WorkingDirectory"][0],
        log=log,
        options=options | {"umask": int(settings["UMask"][0], 8)},
        reload_command=(settings.get("ExecReload") or [""])[0],
        stop_timeout=float(settings["TimeoutStopSec"][0]),
        restart_wait=float(settings["RestartSec"][0]),
    )
