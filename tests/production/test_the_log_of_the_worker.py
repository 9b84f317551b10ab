"""The worker and beat log as LOG_FORMAT says, like the web server."""

import json

import pytest

from tests.production.stack import START_TIMEOUT, Stack, compose_command
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_every_line_is_json(stack: Stack, service: str) -> None:
    name = f"json-{service}"
    with stack.another_process(name, *compose_command(service), LOG_FORMAT="json"):
        wait_until(lambda: stack.log(name).count('"level"') >= 2, f"lines of the {service}", START_TIMEOUT)
    complete = [line for line in stack.log(name).splitlines() if '"' in line]  # besides the banner of Celery
    lines = [json.loads(line) for line in complete if not line.lstrip().startswith(("-", "*", "."))]
    assert len(lines) >= 2
    assert all(line["time"] and line["level"] and line["message"] for line in lines)
