"""The demo's child processes: started apart from the terminal, watched, and ended with all theirs."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# Stands in the environment of every process that a demo starts, with the demo's folder as its value:
# so the next start finds what a killed demo left running.
MARK = "FIND_MY_ORDER_DEMO"
TAIL_LINES = 12


@dataclass(frozen=True)
class Child:
    """A process in a session of its own: Ctrl-C reaches the demo alone, which then ends its children."""

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
    """Ask all of them to end; what still runs after that many seconds is killed, and what they started too."""
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        _signal(child, signal.SIGKILL)
        child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    """To the whole session when it is killed; to its first process alone when it shall end in order."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(child.process.pid, number)
        elif child.process.poll() is None:
            child.process.send_signal(number)


def end_leftovers(folder: Path) -> int:
    """Kill what an earlier demo on this folder, itself killed, left running. Returns how many processes."""
    left = [process for process in psutil.process_iter() if _mark(process) == str(folder)]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    return len(left)


def _mark(process: psutil.Process) -> str | None:
    if process.pid == os.getpid():
        return None
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None  # somebody else's, or gone


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if log.exists() else []
    return "\n".join(f"  {line}" for line in lines)
