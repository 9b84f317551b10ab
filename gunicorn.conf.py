"""Gunicorn's settings for production, read automatically from the folder in which it starts.

`GUNICORN_CMD_ARGS`, as in `--workers=8`, and the command line take precedence.
"""

import gc
import os
import sys
from typing import Any

from portal.process_memory import make_undumpable

worker_class = "gthread"
workers = 2  # one per core
threads = 4  # they wait for the database while others respond; each keeps a connection open
max_requests = 10_000
max_requests_jitter = 1000
# Proxy headers are checked in portal/proxy_headers.py, which knows whether there is a proxy. By default, gunicorn
# trusts every local peer, including client headers that a local proxy passes on.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
header_map = "drop"  # headers with an underscore, which could be confused with those with a hyphen
control_socket_disable = True  # it would be in the home of the user, who may have none
# No access log: paths of emailed links are secrets.

# How long a thread runs before it yields to others, instead of Python's 5 ms: a page waits for the database nine times,
# and each time its thread would wait that long for its turn.
TURN_SECONDS = 0.0005
GARBAGE_THRESHOLD = 20_000  # new objects before a collection; Python's default of 700 is reached many times per page


def post_worker_init(worker: Any) -> None:
    """Exclude objects from the start from garbage collection, because they stay: saves a tenth of a page's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.setswitchinterval(TURN_SECONDS)


def on_starting(server: Any) -> None:
    """Protect the first process, which loads no settings, but has all secrets in its environment."""
    if not os.environ.get("DEMO"):
        make_undumpable()
