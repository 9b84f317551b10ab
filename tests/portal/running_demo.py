"""A demo as a newcomer starts it: the command in a process of its own, over a folder of its own."""

import contextlib
import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
START_WITHIN = 120.0  # seconds; a machine that runs other tests is slow
END_WITHIN = 10.0  # seconds, promised


def bare_environment(**values: object) -> dict[str, str]:
    """What a fresh terminal has, and nothing that the tests' own engines have set."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {name: str(value) for name, value in values.items()}


def manage(*arguments: str, seconds: float = 60.0, **environment: object) -> "subprocess.CompletedProcess[str]":
    """Run a command of manage.py to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=bare_environment(**environment),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ended(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those of the processes that still run after that many seconds."""
    _gone, alive = psutil.wait_procs(processes, timeout=seconds)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@dataclass
class Page:
    status: int
    text: str
    headers: "dict[str, str]" = field(default_factory=dict)


class Browser:
    """Keeps cookies, follows redirects, sends forms with their CSRF token."""

    def __init__(self, site: str) -> None:
        self.site = site
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> Page:
        return self._ask(urllib.request.Request(self.site + path))

    def post(self, path: str, render_form: str, **fields: str) -> Page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(render_form).text)
        assert token, f"{render_form} holds no form"
        body = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode()
        return self._ask(urllib.request.Request(self.site + path, data=body))

    def _ask(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return Page(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Page(error.code, error.read().decode(), dict(error.headers))


class RunningDemo:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.site = f"http://127.0.0.1:{self.port}"
        self.terminal = folder.with_suffix(".out")
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> psutil.Process:
        """Start it, and don't wait."""
        with self.terminal.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", str(self.port)],
                cwd=ROOT,
                env=bare_environment(VAR=self.folder),
                stdout=output,
                stderr=output,
            )
        return psutil.Process(self._process.pid)

    def start(self) -> None:
        """Start it, and wait for its Ready line and all that it says below."""
        self.launch()
        deadline = time.monotonic() + START_WITHIN
        while f"Ready: {self.site}/" not in self.said.splitlines() or not self.said.endswith("doctor\n"):
            assert self._process is not None
            assert self._process.poll() is None, f"The demo ended:\n{self.said}"
            assert time.monotonic() < deadline, f"The demo is not ready:\n{self.said}"
            time.sleep(0.05)

    def ensure_running(self) -> None:
        if self._process is None or self._process.poll() is not None:
            self.start()

    @property
    def said(self) -> str:
        return self.terminal.read_text()

    @property
    def processes(self) -> list[psutil.Process]:
        """The demo and all that it started."""
        assert self._process is not None
        demo = psutil.Process(self._process.pid)
        return [demo, *demo.children(recursive=True)]

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[psutil.Process]]:
        """Ask it to end. Returns its exit status, and what still runs after the promised time."""
        assert self._process is not None
        family = self.processes
        self._process.send_signal(number)
        status = self._process.wait(END_WITHIN)
        return status, wait_until_ended(family, 0.5)

    def wait(self, seconds: float) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    def clear_away(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end()
            self._process.kill()
        data = self.folder / "engines" / "postgres"
        subprocess.run(["rm", "-rf", str(data.resolve()), str(self.folder)], check=True)
