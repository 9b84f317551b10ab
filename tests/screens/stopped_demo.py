"""A demo whose clock stands still and whose random values repeat, so that two runs show the same pages.

Import this module before all others of the project: it starts the engines and makes Django's settings.
"""

import contextlib
import io
import os
import random
import secrets
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from portal.demo.folder import HOST, DemoFolder, build_settings
from portal.demo.mail_server import MailServer
from tests import engines  # noqa: F401 (starts PostgreSQL and Valkey)
from tests.portal.running_demo import free_port

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
SEED = 20417
SHOWN_URL = "https://orders.tarnholt.example"  # in emails; the real port differs between runs

# References, codes and order passwords come from these. They are shown, so they must be the same in each run.
_random = random.Random(SEED)
secrets.choice = _random.choice
uuid.uuid4 = lambda: uuid.UUID(int=_random.getrandbits(128), version=4)

_folder = DemoFolder.from_environment()
_port = free_port()
os.environ |= build_settings(_folder, _port, {})
os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_LEVEL": "ERROR"}

import django  # noqa: E402

django.setup()

import time_machine  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from notifications.delivery import deliver_due  # noqa: E402
from orders.models import Order  # noqa: E402


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


def _repeat_order_ids() -> None:
    """PostgreSQL makes the ids of imported orders, and order passwords depend on them."""
    for order in Order.objects.order_by("pk"):
        Order.objects.filter(pk=order.pk).update(public_id=uuid.uuid4())


@contextlib.contextmanager
def stopped_demo() -> Iterator[str]:
    """Load the demo at NOW, deliver its emails, and serve its pages from this process, whose clock is stopped.

    Yields the portal's URL.
    """
    mail_server = MailServer(_folder.email, HOST)
    email_port = int(mail_server.start().rpartition(":")[2])
    shown = override_settings(EMAIL_HOST=HOST, EMAIL_PORT=email_port, SITE_URL=SHOWN_URL)
    with time_machine.travel(NOW, tick=False), shown:
        with contextlib.redirect_stdout(io.StringIO()):
            call_command("prepare_demo")
        _repeat_order_ids()
        deliver_due()
        server = make_server(HOST, _port, get_wsgi_application(), _Server, _QuietHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{_port}"
        finally:
            server.shutdown()
            mail_server.stop()
