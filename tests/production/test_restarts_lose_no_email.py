"""Worker and beat are restarted while emails are sent, as `systemctl restart` does it: each email is sent once."""

import re
import signal
from collections import Counter

import psutil
import pytest

from orders.services.confirmations import queue_confirmations
from tests.portal.running_demo import ROOT
from tests.production.shop import make_order
from tests.production.stack import Stack, compose_command
from tests.smtp import Slow
from tests.waiting import wait_until

pytestmark = [pytest.mark.stress, pytest.mark.xdist_group("production")]

EMAILS = 200
RESTARTS = 3  # of the worker; beat is restarted at the second one
ADDRESS = "restart{}@example.com"


def stop(stack: Stack, name: str) -> None:
    """Stop a process as its unit says: SIGTERM to the main process only. Fails where systemd would kill something."""
    unit = (ROOT / "deploy" / "systemd" / f"portal-{name}.service").read_text()
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert found
    process = stack.processes[name]
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.wait(int(found[1]))
    _ended, alive = psutil.wait_procs(children, timeout=1)
    assert alive == []


def restart(stack: Stack, name: str) -> None:
    stop(stack, name)
    stack.run(name, *compose_command(name))


def test_each_of_200_emails_is_sent_once(stack: Stack) -> None:
    addresses = {ADDRESS.format(number) for number in range(EMAILS)}
    orders = [make_order(stack, store_email=address) for address in addresses]
    stack.mail.at("DATA", lambda envelope: Slow(0.02))
    try:
        with stack.orm():
            assert queue_confirmations([order.pk for order in orders]) == EMAILS
        for number in range(1, RESTARTS + 1):
            part = EMAILS * number // (RESTARTS + 1)
            wait_until(lambda part=part: len(received(stack, addresses)) >= part, "a part of the emails")  # type: ignore[misc]
            assert len(received(stack, addresses)) < EMAILS
            restart(stack, "worker")
            if number % 2 == 0:
                restart(stack, "beat")
        wait_until(lambda: set(received(stack, addresses)) == addresses, "all emails")
    finally:
        stack.mail.behave()
    assert Counter(received(stack, addresses)) == dict.fromkeys(addresses, 1)


def received(stack: Stack, addresses: set[str]) -> list[str]:
    return [address for address in list(stack.mail.recipients) if address in addresses]
