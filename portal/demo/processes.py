"""The demo's child processes: started in separate sessions, and ended with their descendants."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# Environment variable of every process that a demo starts, with the demo's folder as its value. The next start uses it
# to find processes that a killed demo left running.
MARKER = "FIND_MY_ORDER_DEMO"
TAIL_LINES = 12


@dataclass(frozen=True)
class Child:
    """A process in its own session, so that Ctrl-C reaches only the demo, which then ends its children."""

    title: str
    process: "subprocess.Popen[bytes]"
    log: Path


def start(title: str, command: list[str], environment: dict[str, str], folder: Path, log: Path) -> Child:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Child(title, process, log)


def end(children: list[Child], seconds: float) -> None:
    """Send SIGTERM to all children; after `seconds`, kill those still running together with their descendants."""
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        _signal(child, signal.SIGKILL)
        child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    """Send SIGKILL to the whole process group, any other signal only to the child."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(child.process.pid, number)
        elif child.process.poll() is None:
            child.process.send_signal(number)


def end_leftovers(folder: Path) -> int:
    """Kill the processes that a killed demo on this folder left running. Returns how many there were."""
    leftovers = [process for process in psutil.process_iter() if _demo_folder(process) == str(folder)]
    for process in leftovers:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(leftovers, timeout=5)
    return len(leftovers)


def _demo_folder(process: psutil.Process) -> str | None:
    """The folder of the demo that started this process; None for this process itself and all others."""
    if process.pid == os.getpid():
        return None
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return None  # another user's process, or it has ended


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if log.exists() else []
    return "\n".join(f"  {line}" for line in lines)
