"""Gunicorn as production runs it, read by itself from the folder in which it starts.

`GUNICORN_CMD_ARGS`, as in `--workers=8`, and the command line stand above it.
"""

import gc
import os
import sys
from typing import Any

from portal.process_memory import make_undumpable

worker_class = "gthread"
workers = 2  # as many as there are cores
threads = 4  # wait for the database while others answer; each keeps a connection
max_requests = 10_000
max_requests_jitter = 1000
# What a proxy says is judged in portal/proxy_headers.py, which knows whether there is one. By default, gunicorn
# believes every peer on this machine, and with that whatever a proxy there passes on from a client.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
header_map = "drop"  # headers with an underscore: they would be mixed up with those with a hyphen
# No access log: paths of emailed links are secrets.

# A thread whose answer from the database has come takes its turn after this, not after Python's 5 ms: a page asks
# nine times, and waited as often.
TURN_SECONDS = 0.0005
GARBAGE_THRESHOLD = 20_000  # new objects before they are looked through; Python's 700 is reached many times a page


def post_worker_init(worker: Any) -> None:
    """Let the garbage collector pass over what the start made, which stays: a tenth of a page's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.setswitchinterval(TURN_SECONDS)


def on_starting(server: Any) -> None:
    """Protect the first process, which loads no settings: its environment has all secrets, too."""
    if not os.environ.get("DEMO"):
        make_undumpable()
