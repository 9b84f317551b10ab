"""Waiting for processes and ending them, for tests and commands that don't set up Django."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

DEADLINE = 60.0  # seconds


def wait_until(is_done: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Poll until `is_done()` is true; fails after `seconds` with `what` in the message."""
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline, f"Not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, as in a power failure."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def terminate(process: subprocess.Popen[bytes], seconds: float = DEADLINE) -> None:
    """Terminate a process like a deployment does; fails if it takes longer than `seconds`."""
    process.send_signal(signal.SIGTERM)
    process.wait(seconds)
