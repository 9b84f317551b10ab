"""The portal started as in docs/install.md: gunicorn, worker and beat with production settings, behind a proxy.

Its servers are those of the test run, with a separate database and queue. The proxy terminates HTTPS; the visitor's
code has its role: see visitors.py.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import environ
import yaml
from django.conf import settings
from django.db import connections
from django.db.utils import load_backend
from pytest_django.plugin import DjangoDbBlocker

from tests.portal.running_demo import ROOT, bare_environment, free_port
from tests.smtp import MailServer
from tests.waiting import kill, wait_until

HOST = "orders.example.com"
SITE = f"https://{HOST}"
DATABASE = "production"
QUEUE = 7  # of the broker's 16 databases
ACTIVATION_KEY, ACTIVATION_SECRET = "windows", "0123456789abcdef0123456789abcdef"
BOUNCE_SECRET = "mail:0123456789abcdef"
START_TIMEOUT = 120.0  # seconds; generous, because other tests run at the same time


@dataclass
class Stack:
    folder: Path
    blocker: DjangoDbBlocker
    mail: MailServer = field(default_factory=MailServer)
    port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    # Chosen at random, because workers of pytest-xdist share the engines.
    database: str = f"{DATABASE}_{os.getpid()}"
    queue: int = QUEUE

    def start(self) -> None:
        self.mail.start()
        self.port = free_port()  # again, because the mail server may have got the first one
        self._create_database()
        preparing = [
            self._spawn("migrate", "migrate", "--no-input"),
            self._spawn("static", "collectstatic", "--no-input"),
        ]
        for process in preparing:
            assert process.wait(START_TIMEOUT) == 0, self.log()
        self.run("web", *self.web_command(self.port))
        self.run("worker", *compose_command("worker"))
        self.start_beat()
        wait_until(self.is_ready, "the web server", START_TIMEOUT)

    def stop(self) -> None:
        for process in self.processes.values():
            kill(process)
        self.mail.stop()
        with self._server() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    # --- Processes ---------------------------------------------------------------------------------------

    def environment(self, **values: object) -> dict[str, str]:
        """Return the variables without a default, those about the proxy and the files, and webhook keys."""
        production = {
            "SECRET_KEY": settings.SECRET_KEY,
            "ORDER_PASSWORD_KEY": settings.ORDER_PASSWORD_KEY,
            "SITE_URL": SITE,
            "DATABASE_URL": _with_path(os.environ["DATABASE_URL"], self.database),
            "BROKER_URL": _queue(os.environ["BROKER_URL"], self.queue),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail.port}",
            "BEHIND_PROXY": "true",
            "CLIENT_IP_HEADER": "X-Forwarded-For",
            "ACTIVATION_KEYS": f"{ACTIVATION_KEY}={ACTIVATION_SECRET}",
            "ANYMAIL_WEBHOOK_SECRET": BOUNCE_SECRET,
            "VAR": self.folder / "var",
            # The tests write installers and read uploads.
            "PRIVATE_ROOT": settings.PRIVATE_ROOT,
            "RELEASES_ROOT": settings.RELEASES_ROOT,
        }
        return bare_environment(**production | values)

    @staticmethod
    def web_command(port: int) -> list[str]:
        """Return the image's command, listening on a separate port."""
        found = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert found
        return [part.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for part in json.loads(found[1])]

    @contextlib.contextmanager
    def another_web_server(self, **values: object) -> Iterator[int]:
        """Start a second web server with other settings. Yields its port."""
        port = free_port()
        with self.another_process(f"web-{port}", *self.web_command(port), GUNICORN_CMD_ARGS="--workers=1", **values):
            wait_until(lambda: self.is_ready(port), "the other web server", START_TIMEOUT)
            yield port

    @contextlib.contextmanager
    def another_process(self, name: str, *command: str, **values: object) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a command with other settings. It's killed in the end."""
        self.run(name, *command, **values)
        try:
            yield self.processes[name]
        finally:
            kill(self.processes.pop(name))

    def start_beat(self) -> None:
        self.run("beat", *compose_command("beat"))

    def run(self, name: str, module: str, *arguments: str, **values: object) -> None:
        """Start one of the processes, as a Python module."""
        self.processes[name] = self._start(name, [sys.executable, "-m", module, *arguments], **values)

    def _spawn(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return self._start(name, [sys.executable, "manage.py", *arguments])

    def _start(self, name: str, command: list[str], **values: object) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(**values),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self, port: int = 0) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}/readyz"):
            return True
        return False

    def log(self, name: str = "*") -> str:
        """Return the log of a process, or of all."""
        return "\n".join(file.read_text() for file in sorted(self.folder.glob(f"{name}.log")))

    # --- Database ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def orm(self) -> Iterator[None]:
        """Let Django's ORM in this process use the stack's database."""
        with self.blocker.unblock():
            shared = connections["default"]
            config = shared.settings_dict | environ.Env.db_url_config(self.environment()["DATABASE_URL"])
            connections["default"] = load_backend("django.db.backends.postgresql").DatabaseWrapper(config, "default")
            try:
                yield
            finally:
                connections["default"].close()
                connections["default"] = shared

    def _create_database(self) -> None:
        with self._server() as cursor:
            cursor.execute(f"CREATE DATABASE {self.database}")

    @contextlib.contextmanager
    def _server(self) -> Iterator[object]:
        with self.blocker.unblock():
            config = connections["default"].settings_dict | {"NAME": "postgres"}
            server = load_backend("django.db.backends.postgresql").DatabaseWrapper(config, "server")
            try:
                with server.cursor() as cursor:
                    yield cursor
            finally:
                server.close()

    # --- Email -------------------------------------------------------------------------------------------

    def email_to(self, address: str, number: int = 1) -> str:
        """Return the text of the newest email to this address, as soon as there are this many."""
        wait_until(lambda: len(self.emails_to(address)) >= number, f"email {number} to {address}", START_TIMEOUT)
        return self.emails_to(address)[-1]

    def emails_to(self, address: str) -> list[str]:
        """The plain texts of all emails to this address, oldest first."""
        received = zip(self.mail.emails, self.mail.recipients, strict=False)
        return [
            body.get_content()
            for email, recipient in list(received)
            if recipient == address and (body := email.get_body(("plain",))) is not None
        ]


def compose_command(service: str) -> list[str]:
    """Return a service's command from docker-compose.yml, with one worker process, because test machines have few
    cores.
    """
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]["command"]
    if "--concurrency" in command:
        command[command.index("--concurrency") + 1] = "1"
    return list(command)


def _with_path(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _queue(url: str, number: int) -> str:
    return f"{url}?virtual_host={number}" if url.startswith("redis+socket") else _with_path(url, str(number))
