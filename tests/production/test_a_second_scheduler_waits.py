"""Of two beats, one starts tasks. The other takes over when the first ends."""

from pathlib import Path

import pytest

from portal.models import SchedulerLease
from tests.production.shop import make_order
from tests.production.stack import Stack, compose_command
from tests.production.visitors import Visitor
from tests.waiting import terminate, wait_until

pytestmark = pytest.mark.xdist_group("production")


def holder(stack: Stack) -> str:
    with stack.orm():
        return SchedulerLease.objects.values_list("holder", flat=True).first() or ""


def test_the_second_takes_over_when_the_first_ends(stack: Stack, tmp_path: Path) -> None:
    first = stack.processes["beat"]
    wait_until(lambda: f":{first.pid}:" in holder(stack), "the first scheduler's lease")
    schedule = str(tmp_path / "schedule")
    with stack.another_process("second", *compose_command("beat"), CELERY_BEAT_SCHEDULE_FILENAME=schedule) as second:
        wait_until(lambda: "This one waits." in stack.log("second"), "the second scheduler")
        assert "Sending due task" not in stack.log("second")
        terminate(first)
        wait_until(lambda: f":{second.pid}:" in holder(stack), "the second scheduler's lease")
        order = make_order(stack, store_email="two.schedulers@example.com")
        Visitor(stack).post_form("/orders/find/", "/orders/find/link/", email=order.email)
        assert stack.email_to(order.email)
        assert "Sending due task" in stack.log("second")
        terminate(second)
    stack.start_beat()  # for other tests
