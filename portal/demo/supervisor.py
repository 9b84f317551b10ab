"""Starts every part of the portal, watches them, and ends them together."""

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
from portal.demo.mail_server import MailServer
from portal.demo.processes import Child
from portal.demo.state import HOST, ROOT, CannotStart, Folder, check_port, make_values
from portal.engines import POSTGRESQL, VALKEY, Engines, EnginesUnavailable
from portal.translations import compile_stale

LOOK_EVERY = 0.2  # seconds
READY_WITHIN = 90.0  # seconds
CHILDREN_END_WITHIN = 4.0  # seconds; with the engines' own 4 s this stays under 10 s
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

OK = 0
CRASHED = 1
CANNOT_START = 2


class Ended(Exception):
    """Somebody asked the demo to end."""


class Crashed(Exception):
    """A part of the demo ended by itself; the text says which, and where to read why."""


def run(port: int) -> int:
    """Run the demo until it is ended. Returns the exit status."""
    demo = Demo(Folder.from_environment(), port)
    for number in END_SIGNALS:
        signal.signal(number, _end)
    try:
        demo.start()
        demo.watch()
    except Ended:
        _say("Ending …")
        return OK
    except (CannotStart, EnginesUnavailable) as error:
        _complain(error)
        return CANNOT_START
    except Crashed as error:
        _complain(error)
        return CRASHED
    finally:
        for number in END_SIGNALS:  # a second Ctrl-C must not leave half of them running
            signal.signal(number, signal.SIG_IGN)
        demo.stop()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Ended


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (this is the demo's terminal)


def _complain(error: Exception) -> None:
    print(error, file=sys.stderr, flush=True)  # noqa: T201


class Demo:
    """One running portal over one folder."""

    def __init__(self, folder: Folder, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.children: list[Child] = []
        self.engines: Engines | None = None
        self.mail_server: MailServer | None = None
        self.environment: dict[str, str] = {}
        self.held = False

    # --- Start ---------------------------------------------------------------------------------------

    def start(self) -> None:
        self.folder.hold()
        self.held = True
        os.environ[processes.MARK] = str(self.folder.path)
        if processes.end_leftovers(self.folder.path):
            _say("Ended what an earlier demo had left running.")
        check_port(self.port)
        compile_stale(ROOT / "locale")
        values = make_values(self.folder, self.port, self._start_servers())
        self.folder.write_values(values)
        self.environment = dict(os.environ) | values | {"VAR": str(self.folder.path), "PYTHONUNBUFFERED": "1"}
        _say("Preparing tables, pages and sample orders (the first time takes longest) …")
        self._run("Preparing", "prepare", "prepare_demo")
        _say("Starting web server, worker and beat …")
        self._start_processes()
        self._wait_until_ready()
        _say(f"Ready: {self.url}/")
        mail_goes_to = "" if self.mail_server else "EMAIL_URL"
        welcome.show(self.url, values["DEMO_ADMIN_PASSWORD"], self.folder, mail_goes_to)

    def _start_servers(self) -> dict[str, str]:
        """Start what the environment does not name. Returns the addresses of all three."""
        given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "BROKER_URL", "EMAIL_URL")}
        wanted = [name for name, key in ((POSTGRESQL, "DATABASE_URL"), (VALKEY, "BROKER_URL")) if not given[key]]
        if wanted:
            _say(f"Starting {' and '.join(wanted)} …")
            self.engines = Engines(self.folder.engines)
            self.engines.start(wanted)
            given["DATABASE_URL"] = given["DATABASE_URL"] or self.engines.database_url
            given["BROKER_URL"] = given["BROKER_URL"] or self.engines.broker_url
        if not given["EMAIL_URL"]:
            self.mail_server = MailServer(self.folder.mail, HOST)
            given["EMAIL_URL"] = self.mail_server.start()
        return given

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

    def _run(self, title: str, log: str, *command: str) -> None:
        """Run a command of `manage.py` to its end. Raises Crashed where it fails."""
        self.folder.log(log).unlink(missing_ok=True)
        command_line = [sys.executable, str(ROOT / "manage.py"), *command]
        child = processes.start(title, command_line, self.environment, ROOT, self.folder.log(log))
        self.children.append(child)
        while child.process.poll() is None:
            self._look_after_the_others(child)
            time.sleep(0.05)
        self.children.remove(child)
        if child.process.returncode:
            raise Crashed(f"{title} failed. {self._log_of(child.log)}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not self._web_answers():
            self._look_after_the_others()
            if time.monotonic() > deadline:
                raise Crashed(f"The web server does not answer. {self._log_of(self.folder.log('web'))}")
            time.sleep(LOOK_EVERY)
        self._run("Looking whether everything answers", "doctor", "doctor", "--wait", str(int(READY_WITHIN)))

    def _web_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 (our own address)
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    # --- Run -----------------------------------------------------------------------------------------

    def watch(self) -> NoReturn:
        """Look on for ever; raises Crashed when a part ends by itself."""
        while True:
            self._look_after_the_others()
            time.sleep(LOOK_EVERY)

    def _look_after_the_others(self, busy: Child | None = None) -> None:
        if self.engines is not None:
            logs = self.engines.logs
            for name, process in self.engines.processes.items():
                if process.poll() is not None:
                    raise Crashed(f"{name} ended by itself. {self._log_of(logs[name])}")
        for child in self.children:
            if child is not busy and child.process.poll() is not None:
                raise Crashed(f"{child.title} ended by itself. {self._log_of(child.log)}")

    def _log_of(self, log: Path) -> str:
        return f"The log {log} ends with:\n{processes.tail(log)}"

    # --- End -----------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End everything that was started, however far the start came."""
        processes.end(self.children, CHILDREN_END_WITHIN)
        if self.mail_server is not None:
            self.mail_server.stop()
        if self.engines is not None:
            self.engines.stop()
        if self.held:
            processes.end_leftovers(self.folder.path)
