"""A pytest plugin: real PostgreSQL and Valkey for the whole run, before Django reads its settings.

If DATABASE_URL and BROKER_URL are set, those servers are used instead. Workers of pytest-xdist inherit the controller's
environment, and with it the engines.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from portal.engines import Engines


def _start() -> None:
    if os.environ.get("PORTAL_TEST_ENGINES"):
        return
    os.environ["PORTAL_TEST_ENGINES"] = "1"
    folder = Path(tempfile.mkdtemp(prefix="find-my-order-tests-"))
    os.environ["VAR"] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # the last to run
    os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
    os.environ.setdefault("ORDER_PASSWORD_KEY", "tests-only-" + "y" * 50)
    os.environ.setdefault("SITE_URL", "http://testserver")
    os.environ.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")
    os.environ.setdefault("EMAIL_URL", "smtp://127.0.0.1:9")
    os.environ["DEMO"] = "1"
    # A terminated run stops its engines, because exit handlers don't run in a process that is killed by a signal.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    if not (os.environ.get("DATABASE_URL") and os.environ.get("BROKER_URL")):
        engines = Engines(folder / "engines", durable=False)
        engines.start()
        os.environ["DATABASE_URL"] = engines.database_url
        os.environ["BROKER_URL"] = engines.broker_url
        atexit.register(engines.discard)


_start()
