"""Helpers that run `manage.py` and a demo in separate processes, and a simple HTTP client."""

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
START_TIMEOUT = 120.0  # seconds; generous, because other tests run at the same time
END_TIMEOUT = 10.0  # seconds, as documented


def bare_environment(**values: object) -> dict[str, str]:
    """Return the variables of a new terminal plus `values`, without those that the tests use themselves."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {name: str(value) for name, value in values.items()}


def manage(*arguments: str, seconds: float = 60.0, **environment: object) -> "subprocess.CompletedProcess[str]":
    """Run a command of manage.py and wait for it to end."""
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
    """Wait for the processes to end. Returns those still running after `seconds`."""
    _gone, alive = psutil.wait_procs(processes, timeout=seconds)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@dataclass
class Page:
    status: int
    text: str
    headers: "dict[str, str]" = field(default_factory=dict)


class Browser:
    """An HTTP client with cookies that follows redirects and sends forms with their CSRF token."""

    def __init__(self, site: str) -> None:
        self.site = site
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> Page:
        return self._send(urllib.request.Request(self.site + path))

    def post(self, path: str, form_path: str, **fields: str) -> Page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(form_path).text)
        assert token, f"{form_path} has no form"
        body = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode()
        return self._send(urllib.request.Request(self.site + path, data=body))

    def _send(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=30) as response:
                return Page(response.status, response.read().decode(), dict(response.headers))
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
        """Start the demo without waiting for it."""
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
        """Start the demo and wait until it has printed its summary."""
        self.launch()
        deadline = time.monotonic() + START_TIMEOUT
        while f"Ready: {self.site}/" not in self.output.splitlines() or not self.output.endswith("doctor\n"):
            assert self._process is not None
            assert self._process.poll() is None, f"The demo ended:\n{self.output}"
            assert time.monotonic() < deadline, f"The demo is not ready:\n{self.output}"
            time.sleep(0.05)

    def ensure_running(self) -> None:
        if self._process is None or self._process.poll() is not None:
            self.start()

    @property
    def output(self) -> str:
        return self.terminal.read_text()

    @property
    def processes(self) -> list[psutil.Process]:
        """The demo's process and all its descendants."""
        assert self._process is not None
        demo = psutil.Process(self._process.pid)
        return [demo, *demo.children(recursive=True)]

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[psutil.Process]]:
        """Send a signal. Returns the exit status and the processes that are still running afterwards."""
        assert self._process is not None
        processes = self.processes
        self._process.send_signal(number)
        status = self._process.wait(END_TIMEOUT)
        return status, wait_until_ended(processes, 0.5)

    def wait(self, seconds: float) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    def stop_and_delete(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end()
            self._process.kill()
        data = self.folder / "engines" / "postgres"
        subprocess.run(["rm", "-rf", str(data.resolve()), str(self.folder)], check=True)
