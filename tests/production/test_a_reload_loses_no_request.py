"""A reload, as after an upgrade, loses no request."""

import http.client
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.portal.running_demo import free_port
from tests.production.stack import HOST, START_TIMEOUT, Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.stress, pytest.mark.xdist_group("production")]

REQUESTS = 2_000
CLIENTS = 6
RELOADS = 3
PATH = "/orders/find/"


def get_page(port: int) -> int | str:
    """The status, or the kind of error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Connection": "close"}
        connection.request("GET", PATH, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def test_2000_requests_during_three_reloads_all_get_their_page(stack: Stack) -> None:
    port = free_port()
    with stack.another_process(f"reloaded-{port}", *stack.web_command(port)) as web:
        wait_until(lambda: stack.is_ready(port), "the web server", START_TIMEOUT)
        answered = Counter[int | str]()
        lock = threading.Lock()

        def request(_number: int) -> None:
            result = get_page(port)
            with lock:
                answered[result] += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            pool.map(request, range(REQUESTS))
            for reload in range(1, RELOADS + 1):
                part = REQUESTS * reload // (RELOADS + 1)
                wait_until(lambda part=part: answered.total() >= part, "a part of the requests", 120)  # type: ignore[misc]
                web.send_signal(signal.SIGHUP)
        assert answered == {200: REQUESTS}
