"""A web server whose database is gone mails that once, and says nothing about its visitors."""

import contextlib
import urllib.request

import pytest

from tests.portal.running_demo import free_port
from tests.production.stack import START_TIMEOUT, Stack
from tests.production.visitors import Visitor
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")

OPS = "ops@vendor.example"
TYPED = "anna-typed-this"


def responds(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
        return True
    return False


def test_a_broken_database_is_one_email_without_what_was_typed(stack: Stack) -> None:
    port = free_port()
    database = stack.environment()["DATABASE_URL"].rpartition("/")[0] + "/no_such_database"
    values = {"DATABASE_URL": database, "ERROR_EMAILS": OPS, "GUNICORN_CMD_ARGS": "--workers=1"}
    with stack.another_process(f"broken-{port}", *stack.web_command(port), **values):
        wait_until(lambda: responds(port), "the web server", START_TIMEOUT)
        visitor = Visitor(stack, "203.0.113.78", port=port)
        pages = [visitor.get(f"/help/?q={TYPED}") for _request in range(3)]
        assert [page.status for page in pages] == [500] * 3
        text = stack.email_to(OPS)
    assert stack.emails_to(OPS) == [text]
    assert "OperationalError" in text
    assert "support:help" in text
    assert pages[0].headers["X-Request-ID"] in text
    for secret in (TYPED, "203.0.113.78", "no_such_database", "FATAL", "postgres://"):
        assert secret not in text
