"""What an operator watches: metrics for Prometheus, and reports of errors.

This module doesn't import prometheus_client, which would decide to keep its numbers in memory: see share_metrics().
"""

import os
from pathlib import Path


def share_metrics(folder: Path) -> None:
    """Let the web processes of this host add up their metrics in this folder.

    Called by portal/settings.py, because prometheus_client reads the variable when it is imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))


def forget_ended_processes(folder: Path) -> None:
    """Delete the files of an earlier start, once none of its processes lives. Called when a web process starts."""
    files = {path: int(path.stem.rpartition("_")[2]) for path in folder.glob("*_*.db")}
    if not any(map(_is_alive, files.values())):
        for path in files:
            path.unlink(missing_ok=True)  # another process that starts now deletes the same


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
