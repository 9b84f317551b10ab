"""Two web hosts, three workers and two schedulers behind PgBouncer and nginx, killed in turn: nothing is lost."""

import itertools
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from notifications.models import Message
from portal.models import SchedulerLease
from tests.factories import make_order, make_store
from tests.pgbouncer import running_pgbouncer
from tests.portal.running_demo import free_port
from tests.production.nginx import Nginx, NginxVisitor, running_nginx
from tests.production.stack import HOST, Stack
from tests.stress.conftest import Finding
from tests.waiting import kill, wait_until
from tests.worker import PrivatePortal

pytestmark = [pytest.mark.stress, pytest.mark.xdist_group("private_portal")]

VISITORS = 4  # at the same time
PAUSE = 0.1  # seconds between two forms of a visitor
EMAILS_BETWEEN_KILLS = 10
MOST_ORDERS = 5000
ROUNDS = 2
LONG = 300.0  # seconds


@dataclass
class Hosts:
    """The processes of all hosts, each with what starts it again."""

    portal: PrivatePortal
    web_ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    running: dict[str, "Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        kind, number = name.split()
        starts: dict[str, Callable[[int], Popen[bytes]]] = {
            "web": self._start_web,
            "worker": lambda number: self.portal.start_worker(name=f"worker{number}"),
            "scheduler": self.portal.start_beat,
        }
        self.running[name] = starts[kind](int(number))

    def _start_web(self, number: int) -> "Popen[bytes]":
        port = self.web_ports[number - 1]
        module, *arguments = Stack.web_command(port)
        values = {"ALLOWED_HOSTS": HOST, "BEHIND_PROXY": "true", "CLIENT_IP_HEADER": "X-Forwarded-For"}
        process = self.portal.start("web", module, *arguments, **values)
        wait_until(lambda: _is_ready(port), f"web {number}")
        return process

    def leader(self) -> str:
        """Return the name of the scheduler that has the lease; empty if none of them has it."""
        holder = SchedulerLease.objects.values_list("holder", flat=True).first() or ""
        names = (name for name, process in self.running.items() if f":{process.pid}:" in holder)
        return next(names, "")


def _is_ready(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
        return True
    return False


@dataclass
class Visits:
    """Visitors who let the portal email them links, each to an order of their own, again until it says that it did."""

    nginx: Nginx
    emails: Iterator[str]
    asked: list[str] = field(default_factory=list)
    failures: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        for email in self.emails:
            number = int(email.partition("@")[0].removeprefix("buyer"))
            while not self._ask(email, f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"):
                self.failures += 1
                self.ended.wait(PAUSE)
            self.asked.append(email)
            if self.ended.wait(PAUSE):
                return

    def _ask(self, email: str, address: str) -> bool:
        visitor: Any = NginxVisitor(None, self.nginx, address)  # type: ignore[arg-type]
        with suppress(OSError, HTTPException, AssertionError):
            page = visitor.post_form("/orders/find/", "/orders/find/link/", email=email)
            return page.status in (200, 302)
        return False


@pytest.fixture
def hosts(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Hosts]:
    with (
        django_db_blocker.unblock(),
        PrivatePortal(tmp_path) as portal,
        running_pgbouncer(portal.engines.database_url, 10) as pooled_url,
    ):
        portal.pooled_url = pooled_url
        hosts = Hosts(portal)
        for name in ("web 1", "web 2", "worker 1", "worker 2", "worker 3", "scheduler 1", "scheduler 2"):
            hosts.start(name)
        try:
            yield hosts
        finally:
            for process in portal.processes:  # before PgBouncer
                kill(process)


def test_every_host_is_killed_and_nothing_is_lost(hosts: Hosts, tmp_path: Path, found: Finding) -> None:
    store = make_store()
    orders = [make_order(store=store, store_email=f"buyer{number}@example.com") for number in range(MOST_ORDERS)]
    received = hosts.portal.server.recipients
    (tmp_path / "nginx").mkdir()
    with running_nginx(tmp_path / "nginx", *hosts.web_ports) as nginx:
        lock = threading.Lock()
        numbers = itertools.count()

        def emails() -> Iterator[str]:
            while True:
                with lock:
                    number = next(numbers)
                yield orders[number].store_email

        visits = [Visits(nginx, emails()) for _visitor in range(VISITORS)]
        threads = [threading.Thread(target=each.run) for each in visits]
        for thread in threads:
            thread.start()
        try:
            longest = _kill_all(hosts, lambda: len(received))
        finally:
            for each in visits:
                each.ended.set()
            for thread in threads:
                thread.join()
    hosts.portal.wait_until_outbox_empty(LONG)
    asked = {email for each in visits for email in each.asked}
    found("forms sent", len(asked))
    found("forms sent again after an error", sum(each.failures for each in visits))
    found("promised emails lost", len(asked - set(received)))
    found("emails received twice or more", len(received) - len(set(received)))
    found("longest time without a scheduler, s", round(longest, 1))
    assert len(asked) > EMAILS_BETWEEN_KILLS * ROUNDS * len(hosts.running) / 2
    assert asked <= set(received)
    assert not Message.objects.exclude(status=Message.Status.SENT).exists()


def _kill_all(hosts: Hosts, received: Callable[[], int]) -> float:
    """Kill every process and start it again. Returns the longest time until another scheduler took over."""
    longest = 0.0
    for _round in range(ROUNDS):
        for name in list(hosts.running):
            before = received()
            wait_until(lambda before=before: received() >= before + EMAILS_BETWEEN_KILLS, f"emails before {name}", LONG)
            was_leader = hosts.leader() == name
            kill(hosts.running[name])
            began = time.monotonic()
            if was_leader:
                wait_until(lambda name=name: hosts.leader() not in ("", name), "another scheduler", LONG)
                longest = max(longest, time.monotonic() - began)
            hosts.start(name)
    return longest
