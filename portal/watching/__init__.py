"""What an operator watches: metrics for Prometheus, and reports of errors."""

import os
from pathlib import Path


def share_metrics(folder: Path) -> None:
    """Let the web processes of this host add up their metrics in this folder.

    Called by portal/settings.py, because prometheus_client reads the variable when it is imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))
