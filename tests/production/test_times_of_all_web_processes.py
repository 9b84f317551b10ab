"""`/metrics` adds up the requests of all web processes, whichever of them answers."""

import re
from pathlib import Path

import pytest

from tests.portal.running_demo import free_port
from tests.production.stack import Stack
from tests.production.visitors import Visitor
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")

TOKEN = "a-token-of-20-characters"
REQUESTS = 8
COUNTED = re.compile(
    r'^portal_request_seconds_count\{method="GET",status="2xx",view="orders:find"\} (\d+)', re.MULTILINE
)


def test_requests_of_all_processes_are_counted_once(stack: Stack, tmp_path: Path) -> None:
    port = free_port()
    options = {
        "GUNICORN_CMD_ARGS": "--workers=2",
        "METRICS_TOKEN": TOKEN,
        "VAR": tmp_path,
        "STATIC_ROOT": static(stack),
    }
    with stack.another_process("measured", *stack.web_command(port), **options):
        wait_until(lambda: stack.is_ready(port), "the web server", 120)
        visitor = Visitor(stack, port=port)
        for _each in range(REQUESTS):
            assert visitor.get("/orders/find/").status == 200
        for _each in range(REQUESTS):  # some of them by the other process
            page = visitor.get("/metrics", headers=[("Authorization", f"Bearer {TOKEN}")])
            assert COUNTED.findall(page.text) == [str(REQUESTS)]


def static(stack: Stack) -> Path:
    return stack.folder / "var" / "static"
