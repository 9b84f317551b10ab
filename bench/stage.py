"""A private environment for one measurement: engines, a filled database, and production's web server."""

import contextlib
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import psutil
from django.db import connection
from psycopg2 import sql
from rich.console import Console
from rich.table import Table

from portal.engines import Engines

START_TIMEOUT = 30.0  # seconds
CONFIGURATION = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"

console = Console()


@contextlib.contextmanager
def engines() -> Iterator[Path]:
    """New engines with durable settings, and the environment that Django needs; everything is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="find-my-order-bench-"))
    started = Engines(folder / "engines")
    try:
        started.start()
        os.environ |= {
            "VAR": str(folder),
            "DEMO": "1",
            "SECRET_KEY": "bench-" + "x" * 50,
            "ORDER_PASSWORD_KEY": "bench-" + "y" * 50,
            "SITE_URL": "http://127.0.0.1",
            "ALLOWED_HOSTS": "127.0.0.1",
            "BEHIND_PROXY": "true",  # as in docker-compose.yml
            "CLIENT_IP_HEADER": "X-Forwarded-For",
            "DATABASE_URL": started.database_url,
            "BROKER_URL": started.broker_url,
            "EMAIL_URL": "smtp://127.0.0.1:9",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LOG_LEVEL": "WARNING",
        }
        yield folder
    finally:
        started.discard()
        shutil.rmtree(folder, ignore_errors=True)


def address_of(database: str) -> str:
    """Return the URL of another database on the same server."""
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{database}"


def use_database(database: str) -> None:
    """Let Django use this database on the same server. It is created if it doesn't exist."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    connection.close()
    connection.settings_dict["NAME"] = database


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def web_server(
    settings: str, folder: Path, database_url: str = "", command: Sequence[str] = ()
) -> Iterator[tuple[int, psutil.Process]]:
    """Run gunicorn as in production, with these settings. Yields its port and its parent process.

    Workers are not restarted during the measurement, because the timing would be random. `database_url` replaces the
    default database, and `command` the server; it contains {port}.
    """
    port = free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", "127.0.0.1:{port}", "--log-level", "error"]
    gunicorn += ["--config", str(CONFIGURATION), "--keep-alive", "30", "--max-requests", "0", "--no-control-socket"]
    command = [part.replace("{port}", str(port)) for part in command or gunicorn]
    with (folder / "gunicorn.log").open("ab") as log:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings}
        if database_url:
            environment["DATABASE_URL"] = database_url
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "gunicorn.log").read_text())
            time.sleep(0.1)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def report(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table, followed by the machine and the date."""
    table = Table(title=title)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    memory = psutil.virtual_memory().total / 2**30
    console.print(
        f"{date.today().isoformat()}, {os.cpu_count()} cores, {memory:.0f} GiB, "  # noqa: DTZ011
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
