"""A private portal of a test that may be damaged: private engines, real Celery processes, a real SMTP server.

Nothing of it is shared, so a test can kill and restart any part while others run.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import environ
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models import QuerySet
from django.db.utils import load_backend

from notifications.models import Message
from portal.engines import Engines
from tests.smtp import MailServer
from tests.waiting import DEADLINE, kill, wait_until

ROOT = Path(__file__).resolve().parent.parent
EMAIL_TIMEOUT = 1.0  # seconds; leases, which depend on it, expire soon


@dataclass
class PrivatePortal:
    """A portal with its own engines. While it is open, it is this process's default database, migrated and empty."""

    folder: Path
    server: MailServer = field(default_factory=MailServer)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    pooled_url: str = ""  # of a pooler before the database, for the processes

    def __enter__(self) -> "PrivatePortal":
        self.engines = Engines(self.folder / "engines", durable=False)
        self.engines.start()
        self.server.start()
        config = settings.DATABASES["default"] | environ.Env.db_url_config(self.engines.database_url)
        self._shared_database = connections["default"]
        private = load_backend(config["ENGINE"]).DatabaseWrapper(config, alias="default")
        connections["default"] = private
        call_command("migrate", verbosity=0, interactive=False)
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self.processes:
            kill(process)
        connections["default"].close()
        connections["default"] = self._shared_database
        self.server.stop()
        self.engines.discard()

    # --- Celery --------------------------------------------------------------------------------------

    def start_worker(
        self, concurrency: int = 1, *, name: str = "celery", email_timeout: float = EMAIL_TIMEOUT
    ) -> subprocess.Popen[bytes]:
        command = ("worker", "--concurrency", str(concurrency), "--without-gossip", "--without-mingle")
        return self._start_celery(*command, "--hostname", f"{name}@%h", email_timeout=email_timeout)

    def start_beat(self, number: int = 1) -> subprocess.Popen[bytes]:
        return self._start_celery("beat", "--pidfile=", "--schedule", str(self.folder / f"beat{number}"))

    def _start_celery(self, *command: str, email_timeout: float = EMAIL_TIMEOUT) -> subprocess.Popen[bytes]:
        return self.start(command[0], "celery", "-A", "portal.celery", *command, TEST_EMAIL_TIMEOUT=str(email_timeout))

    def start(self, log_name: str, module: str, *arguments: str, **values: str) -> subprocess.Popen[bytes]:
        """Run a Python module with the portal's settings, and these."""
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
            "DATABASE_URL": self.pooled_url or self.engines.database_url,
            "DATABASE_TRANSACTION_POOLING": "true" if self.pooled_url else "",
            "BROKER_URL": self.engines.broker_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.server.port}",
        }
        with (self.folder / f"{log_name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=environment | values,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    # --- Disturbances ----------------------------------------------------------------------------------

    @property
    def broker(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self.engines.broker_url.removeprefix("redis+socket://"))

    def stop_broker(self) -> None:
        valkey = self.engines._valkey
        assert valkey is not None
        valkey.kill()
        valkey.wait()

    def restart_database(self) -> None:
        postgres = self.engines._postgres
        assert postgres is not None
        postgres.send_signal(signal.SIGINT)
        postgres.wait()
        self.engines.start_postgres()
        connections["default"].close()

    # --- Email ------------------------------------------------------------------------------------------

    def create_messages(self, count: int, **fields: object) -> list[Message]:
        """Add `count` notes to the outbox."""
        first = Message.objects.count() + 1
        defaults = {"kind": "test_note", "recipient": "buyer@example.com"}
        return Message.objects.bulk_create(
            Message(object_id=first + number, **defaults | fields) for number in range(count)
        )

    def wait_for_emails(self, count: int, seconds: float = DEADLINE) -> None:
        """Wait until the server has received `count` emails."""
        wait_until(lambda: len(self.server.emails) >= count, f"{count} mails at the server", seconds)

    def wait_until_outbox_empty(self, seconds: float = DEADLINE) -> None:
        """Wait until no message is waiting."""
        wait_until(lambda: not Message.objects.waiting().exists(), "every mail out of the outbox", seconds)

    def refused(self) -> set[str]:
        """Return the Message-IDs of emails that the server refused permanently (5xx) and the outbox
        marked as failed.
        """
        failed = Message.objects.filter(status=Message.Status.FAILED, last_error__startswith="5")
        refused = self._message_ids(failed)
        assert len(refused) <= self.server.refusals
        return refused

    def count_lost_and_duplicated(self) -> tuple[int, int]:
        """Count the emails that were neither received nor refused, and the copies beyond the first."""
        received = self.server.times_received
        written = self._message_ids(Message.objects.all())
        assert set(received) <= written
        return len(written - set(received) - self.refused()), sum(received.values()) - len(received)

    @staticmethod
    def _message_ids(messages: QuerySet[Message]) -> set[str]:
        return {f"<{message_id}@testserver>" for message_id in messages.values_list("message_id", flat=True)}
