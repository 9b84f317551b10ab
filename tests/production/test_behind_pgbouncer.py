"""Web, worker and commands behind a real PgBouncer in transaction mode, with DATABASE_TRANSACTION_POOLING."""

import concurrent.futures
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from intake.models import ImportRun
from orders.models import Order
from tests.intake.exports import ORDER, json_lines, portal_order
from tests.pgbouncer import running_pgbouncer
from tests.portal.running_demo import ROOT
from tests.production.shop import make_order, open_order
from tests.production.stack import Stack, compose_command
from tests.production.visitors import Visitor
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")

POOL_SIZE = 5  # fewer than readers, so that they take turns with the server's connections
READERS = 8
PLAIN_LINE = ORDER["lines"][0] | {"licenses": []}
# Each reader fetches its rows in parts, and makes a query after each.
READ = """
import json
from concurrent.futures import ThreadPoolExecutor
from django.contrib.contenttypes.models import ContentType
from django.contrib.auth.models import Permission
from django.db import connection
def read(number):
    try:
        return sum(ContentType.objects.exists() for _row in Permission.objects.iterator(chunk_size=5))
    except Exception as error:
        return str(error)
    finally:
        connection.close()
with ThreadPoolExecutor(READERS) as readers:
    print(json.dumps([Permission.objects.count(), *readers.map(read, range(READERS))]))
"""


@pytest.fixture(scope="module")
def pooled(stack: Stack) -> Iterator[dict[str, str]]:
    """The variables that let a process use PgBouncer."""
    with running_pgbouncer(stack.environment()["DATABASE_URL"], POOL_SIZE) as url:
        yield {"DATABASE_URL": url, "DATABASE_TRANSACTION_POOLING": "true"}


def manage(stack: Stack, *arguments: str, **values: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=stack.environment(**values),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def read_concurrently(stack: Stack, **values: str) -> tuple[int, list[object]]:
    script = READ.replace("READERS", str(READERS))
    count, *results = json.loads(manage(stack, "shell", "--no-imports", "-c", script, **values).stdout)
    return count, results


def test_concurrent_readers_get_every_row(stack: Stack, pooled: dict[str, str]) -> None:
    count, results = read_concurrently(stack, **pooled)
    assert results == [count] * READERS


def test_without_the_variable_readers_lose_their_cursors(stack: Stack, pooled: dict[str, str]) -> None:
    """Shows that the test above would notice."""
    _count, results = read_concurrently(stack, **pooled | {"DATABASE_TRANSACTION_POOLING": ""})
    assert any("cursor" in str(result) for result in results)


def test_pages_open_and_a_lookup_opens_an_order(stack: Stack, pooled: dict[str, str]) -> None:
    orders = [make_order(stack) for _order in range(8)]
    with stack.another_web_server(**pooled) as port, concurrent.futures.ThreadPoolExecutor(8) as visitors:
        pages = list(visitors.map(lambda order: open_order(Visitor(stack, port=port), order), orders))
    assert [page.status for page in pages] == [200] * 8
    assert all(order.number in page.text for order, page in zip(orders, pages, strict=True))


def orders_file(folder: Path, prefix: str, count: int) -> Path:
    file = folder / f"{prefix}.jsonl"
    orders = [portal_order(number=f"{prefix}-{number}", store="pooled", lines=[PLAIN_LINE]) for number in range(count)]
    file.write_text(json_lines(*orders))
    return file


def test_concurrent_imports_and_dry_runs_are_complete(stack: Stack, pooled: dict[str, str], tmp_path: Path) -> None:
    """Each has several transactions, and the dry run keeps its tables between them."""
    files = [orders_file(tmp_path, f"P{number}", 2500) for number in range(2)]
    calls = [("import_orders", str(file), *dry) for file in files for dry in ((), ("--dry-run",))]
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as imports:
        results = list(imports.map(lambda call: manage(stack, *call, "--json", **pooled), calls))
    assert [result.returncode for result in results] == [0] * len(calls), results
    reports = [json.loads(result.stdout.splitlines()[-1]) for result in results]
    assert [report["read"] for report in reports] == [2500] * len(calls)
    with stack.orm():
        assert Order.objects.filter(number__startswith="P", store__slug="pooled").count() == 5000
        runs = ImportRun.objects.with_activity().order_by("-pk")[:2]
        assert {run.shown_state for run in runs} == {ImportRun.State.FINISHED}


def test_an_interrupted_import_is_shown_and_can_be_undone(stack: Stack, pooled: dict[str, str], tmp_path: Path) -> None:
    """The lock of a run ends with its process, although the session of PostgreSQL stays."""
    file = orders_file(tmp_path, "KILLED", 20_000)
    command = ("manage.py", "import_orders", str(file))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=stack.environment(**pooled), stdout=log, stderr=log
        )
    with stack.orm():
        runs = ImportRun.objects.with_activity().filter(created__gt=0, files__name="KILLED.jsonl")
        wait_until(lambda: process.poll() is not None or runs.exists(), "the first batch")
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert runs.get().shown_state == ImportRun.State.RUNNING
        process.kill()
        process.wait()
        wait_until(lambda: runs.get().shown_state == ImportRun.State.INTERRUPTED, "the lock to be free")
        run = runs.get().pk
    undone = manage(stack, "undo_import", str(run), **pooled)
    assert undone.returncode == 0, undone.stderr + undone.stdout
    with stack.orm():
        assert not Order.objects.filter(number__startswith="KILLED").exists()


def test_a_worker_delivers_email(stack: Stack, pooled: dict[str, str]) -> None:
    """The worker without PgBouncer pauses meanwhile."""
    order = make_order(stack, store_email="behind.pgbouncer@example.com")
    direct = stack.processes["worker"]
    direct.send_signal(signal.SIGSTOP)
    try:
        with stack.another_process("pooled_worker", *compose_command("worker"), "-n", "pooled@%h", **pooled):
            Visitor(stack).post_form("/orders/find/", "/orders/find/link/", email=order.email)
            assert stack.email_to(order.email)
    finally:
        direct.send_signal(signal.SIGCONT)


def test_the_setting_is_off_by_default() -> None:
    assert not settings.DATABASES["default"].get("DISABLE_SERVER_SIDE_CURSORS")
