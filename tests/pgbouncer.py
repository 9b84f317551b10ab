"""PgBouncer in transaction mode, as a process of the test, before the PostgreSQL of the test."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portal.engines import UNPRIVILEGED_USER
from tests.programs import find_program
from tests.waiting import wait_until

START_TIMEOUT = 20.0  # seconds
CONFIGURATION = """
[databases]
* = host={server} user=postgres
[pgbouncer]
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
listen_addr =
listen_port = 5432
unix_socket_dir = {folder}
auth_type = any
logfile = {folder}/pgbouncer.log
log_connections = 0
log_disconnections = 0
"""


@contextlib.contextmanager
def running_pgbouncer(database_url: str, pool_size: int) -> Iterator[str]:
    """Run PgBouncer before the server of this URL, whose host is a folder of sockets. Yields the URL to use instead.

    `pool_size` is how many connections to the server all clients share.
    """
    program = find_program("pgbouncer", package="pgbouncer")
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))  # short, because it's part of a socket's path
    server, _slash, database = database_url.partition("@/")[2].rpartition("/")
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(server=server, folder=folder, pool_size=pool_size))
    command = [program, "--quiet", str(configuration)]
    if os.geteuid() == 0:  # PgBouncer refuses to run as root
        user = pwd.getpwnam(UNPRIVILEGED_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        command[1:1] = ["-u", UNPRIVILEGED_USER]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        socket = folder / ".s.PGSQL.5432"
        wait_until(lambda: process.poll() is not None or socket.exists(), "PgBouncer", START_TIMEOUT)
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield f"postgres://postgres@/{folder}/{database}"
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)
        shutil.rmtree(folder, ignore_errors=True)
