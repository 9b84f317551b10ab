"""Starts every process of the demo, watches them, and ends them together."""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import NoReturn

from portal.demo import processes, welcome
from portal.demo.folder import HOST, ROOT, CannotStart, DemoFolder, build_settings, ensure_port_is_free
from portal.demo.mail_server import MailServer
from portal.demo.processes import Child
from portal.engines import POSTGRESQL, VALKEY, Engines, EnginesUnavailable
from portal.translation.compiling import compile_stale

POLL_INTERVAL = 0.2  # seconds
READY_TIMEOUT = 90.0  # seconds
CHILDREN_STOP_TIMEOUT = 4.0  # seconds; with engines.STOP_TIMEOUT the demo ends in less than 10 s
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

OK = 0
CRASHED = 1
CANNOT_START = 2


class StopRequested(Exception):
    """The demo received a signal to end."""


class ProcessCrashed(Exception):
    """A process of the demo ended unexpectedly. The message names it and shows the end of its log."""


def run(port: int) -> int:
    """Run the demo until it is stopped. Returns the exit status."""
    demo = Demo(DemoFolder.from_environment(), port)
    for number in END_SIGNALS:
        signal.signal(number, _request_stop)
    try:
        demo.start()
        demo.watch()
    except StopRequested:
        _print("Ending …")
        return OK
    except (CannotStart, EnginesUnavailable) as error:
        _print_error(error)
        return CANNOT_START
    except ProcessCrashed as error:
        _print_error(error)
        return CRASHED
    finally:
        for number in END_SIGNALS:  # a second Ctrl-C must not interrupt the stop
            signal.signal(number, signal.SIG_IGN)
        demo.stop()


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (this is the demo's terminal)


def _print_error(error: Exception) -> None:
    print(error, file=sys.stderr, flush=True)  # noqa: T201


class Demo:
    """One demo with its processes and its folder."""

    def __init__(self, folder: DemoFolder, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.children: list[Child] = []
        self.engines: Engines | None = None
        self.mail_server: MailServer | None = None
        self.environment: dict[str, str] = {}
        self.is_locked = False

    # --- Start ---------------------------------------------------------------------------------------

    def start(self) -> None:
        self.folder.lock()
        self.is_locked = True
        os.environ[processes.MARKER] = str(self.folder.path)
        if processes.end_leftovers(self.folder.path):
            _print("Stopped processes of an earlier demo.")
        ensure_port_is_free(self.port)
        compile_stale(ROOT / "locale")
        settings = build_settings(self.folder, self.port, self._start_servers())
        self.folder.write_settings(settings)
        self.environment = dict(os.environ) | settings | {"VAR": str(self.folder.path), "PYTHONUNBUFFERED": "1"}
        _print("Preparing tables, pages and demo orders (the first start takes longest) …")
        self._run_command("Preparing", "prepare", "prepare_demo")
        _print("Starting web server, worker and beat …")
        self._start_processes()
        self._wait_until_ready()
        _print(f"Ready: {self.url}/")
        mail_setting = "" if self.mail_server else "EMAIL_URL"
        welcome.print_welcome(self.url, settings["DEMO_ADMIN_PASSWORD"], self.folder, mail_setting)

    def _start_servers(self) -> dict[str, str]:
        """Start the servers whose URLs the environment does not set. Returns the URLs of all three."""
        urls = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "BROKER_URL", "EMAIL_URL")}
        names = [name for name, key in ((POSTGRESQL, "DATABASE_URL"), (VALKEY, "BROKER_URL")) if not urls[key]]
        if names:
            _print(f"Starting {' and '.join(names)} …")
            self.engines = Engines(self.folder.engines)
            self.engines.start(names)
            urls["DATABASE_URL"] = urls["DATABASE_URL"] or self.engines.database_url
            urls["BROKER_URL"] = urls["BROKER_URL"] or self.engines.broker_url
        if not urls["EMAIL_URL"]:
            self.mail_server = MailServer(self.folder.email, HOST)
            urls["EMAIL_URL"] = self.mail_server.start()
        return urls

    def _start_processes(self) -> None:
        celery = ["celery", "-A", "portal.celery", "--quiet"]
        worker = ["worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        beat = ["beat", "--pidfile=", "--loglevel", "INFO"]
        web = ["gunicorn", "portal.wsgi", "--bind", f"{HOST}:{self.port}", "--worker-class", "gthread"]
        web += ["--workers", "2", "--threads", "4", "--graceful-timeout", "3", "--no-control-socket"]
        self._start("The web server", "web", web)
        self._start("The Celery worker", "worker", celery + worker)
        self._start("Celery beat", "beat", celery + beat)

    def _start(self, title: str, log: str, module: list[str]) -> Child:
        child = processes.start(title, [sys.executable, "-m", *module], self.environment, ROOT, self.folder.log(log))
        self.children.append(child)
        return child

    def _run_command(self, title: str, log: str, *command: str) -> None:
        """Run a command of `manage.py` and wait for it. Raises ProcessCrashed if it fails."""
        self.folder.log(log).unlink(missing_ok=True)
        command_line = [sys.executable, str(ROOT / "manage.py"), *command]
        child = processes.start(title, command_line, self.environment, ROOT, self.folder.log(log))
        self.children.append(child)
        while child.process.poll() is None:
            self._check_processes(besides=child)
            time.sleep(0.05)
        self.children.remove(child)
        if child.process.returncode:
            raise ProcessCrashed(f"{title} failed. {self._describe_log(child.log)}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        while not self._is_web_server_ready():
            self._check_processes()
            if time.monotonic() > deadline:
                raise ProcessCrashed(f"The web server doesn't respond. {self._describe_log(self.folder.log('web'))}")
            time.sleep(POLL_INTERVAL)
        self._run_command("Checking all parts", "doctor", "doctor", "--wait", str(int(READY_TIMEOUT)))

    def _is_web_server_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as response:  # noqa: S310 (our own address)
                return bool(response.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    # --- Run -----------------------------------------------------------------------------------------

    def watch(self) -> NoReturn:
        """Check all processes forever. Raises ProcessCrashed when one has ended."""
        while True:
            self._check_processes()
            time.sleep(POLL_INTERVAL)

    def _check_processes(self, besides: Child | None = None) -> None:
        """Raises ProcessCrashed if a process has ended; `besides` is a child that is expected to end."""
        if self.engines is not None:
            logs = self.engines.logs
            for name, process in self.engines.processes.items():
                if process.poll() is not None:
                    raise ProcessCrashed(f"{name} stopped unexpectedly. {self._describe_log(logs[name])}")
        for child in self.children:
            if child is not besides and child.process.poll() is not None:
                raise ProcessCrashed(f"{child.title} stopped unexpectedly. {self._describe_log(child.log)}")

    def _describe_log(self, log: Path) -> str:
        return f"The log {log} ends with:\n{processes.tail(log)}"

    # --- End -----------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End everything that was started, even if the start was not completed."""
        processes.end(self.children, CHILDREN_STOP_TIMEOUT)
        if self.mail_server is not None:
            self.mail_server.stop()
        if self.engines is not None:
            self.engines.stop()
        if self.is_locked:
            processes.end_leftovers(self.folder.path)
