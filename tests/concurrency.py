"""Calls at the same moment, each on its own connection to the database."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from cases.refusals import Refusal

START_TIMEOUT = 60  # seconds


def run_concurrently(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all calls at the same moment, each in its own thread, and return their results or refusals."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=START_TIMEOUT)
            return call()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
