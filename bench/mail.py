"""Emails through the outbox and two workers, compared with one raw SMTP connection that sends prepared bytes.

`python -m bench.mail [--mails N] [--rounds N] [--seconds S]`. Both sides send to the same small server. The first
server only counts; no real one is that fast. The second is aiosmtpd, a complete server. Rounds alternate: while the raw
connection sends, the workers are suspended, and continue afterwards. The portal's figures include claims, templates, a
commit to disk before the next email is sent, and all overhead of Celery.
"""

import argparse
import contextlib
import os
import signal
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django
import psutil

from bench import stage
from bench.sink import Sink, WholeServer

WORKERS = 2
PROCESSES = 4  # of each worker, as in docker-compose.yml: they wait for the disk most of the time
PATIENCE = 60.0  # seconds until all of them are running
KIND = "test_note"
BATCH = 10_000


class Workers:
    """Celery as in production, and a way to suspend it."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self.processes = processes

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            for member in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                member.send_signal(number)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)


@contextlib.contextmanager
def celery(folder: Path) -> Iterator[Workers]:
    commands = [
        ["worker", f"--concurrency={PROCESSES}", "-n", f"worker{number}@bench", "--without-gossip", "--without-mingle"]
        for number in range(WORKERS)
    ]
    commands.append(["beat", "--pidfile=", "-s", str(folder / "beat")])
    with (folder / "celery.log").open("ab") as log:
        processes = [
            subprocess.Popen([sys.executable, "-m", "celery", "-A", "portal.celery", *command], stdout=log, stderr=log)
            for command in commands
        ]
    try:
        yield Workers(processes)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def fill(emails: int) -> None:
    from notifications.models import Message  # noqa: PLC0415 (needs Django set up)

    Message.objects.all().delete()
    for first in range(0, emails, BATCH):
        Message.objects.bulk_create(
            Message(kind=KIND, object_id=number, recipient=f"buyer{number}@example.com")
            for number in range(first, min(first + BATCH, emails))
        )


def raw_rate(sink: Sink, seconds: float) -> tuple[float, int]:
    """Return emails per second over one connection with Python's own client, and the bytes of the email."""
    from notifications import kinds, rendering  # noqa: PLC0415 (needs Django set up)
    from notifications.models import Message  # noqa: PLC0415
    from notifications.outgoing import ready  # noqa: PLC0415

    sample = Message(kind=KIND, object_id=1, recipient="buyer@example.com")
    email = ready(rendering.build(sample, kinds.get(KIND)))
    with smtplib.SMTP("127.0.0.1", sink.port) as smtp:
        sink.clear()
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            smtp.sendmail(email.sender, [email.recipient], email.data)
        return sink.count.value / (time.monotonic() - began), len(email.data)


def our_rate(sink: Sink, seconds: float) -> float:
    sink.clear()
    began = time.monotonic()
    time.sleep(seconds)
    return sink.count.value / (time.monotonic() - began)


def measure(folder: Path, sink: Sink, emails: int, rounds: int, seconds: float) -> list[list[str]]:
    raw, ours = [], []
    fill(emails)
    with celery(folder) as workers:
        deadline = time.monotonic() + PATIENCE
        while sink.connections.value < WORKERS * PROCESSES:
            if time.monotonic() > deadline:
                raise RuntimeError(f"The workers did not start:\n{(folder / 'celery.log').read_text()[-3000:]}")
            time.sleep(0.1)
        for _round in range(rounds):
            with workers.held():
                rate, size = raw_rate(sink, seconds)
            raw.append(rate)
            ours.append(our_rate(sink, seconds))
    ratio = statistics.median(o / r for o, r in zip(ours, raw, strict=True))
    what = f"mails of {size / 1024:.1f} KB to {type(sink).__name__}, {WORKERS} workers of {PROCESSES} processes"
    return [[what, f"{statistics.median(ours):,.0f}", f"{statistics.median(raw):,.0f}", f"{ratio:.2f}"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=50_000, help="that wait at the start")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    options = parser.parse_args()
    rows = []
    with Sink() as sink, WholeServer() as whole_server, stage.engines() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.worker_settings"
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 (needs Django set up)

        call_command("migrate", verbosity=0)
        for server in (sink, whole_server):
            os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{server.port}"  # for the workers
            rows += measure(folder, server, options.emails, options.rounds, options.seconds)
    stage.report("Mail, mails per second", ["what", "portal", "raw SMTP", "ratio"], rows)


if __name__ == "__main__":
    main()
