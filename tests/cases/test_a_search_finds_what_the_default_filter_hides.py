"""A queue shows what is to be done; whoever searches in it is shown everything that was asked for."""

import pytest
from django.test import Client
from django.utils import timezone
from tests.support.letters import logged_in, send_letter

from cases import steps
from support.services import threads
from tests.cases.test_every_kind_of_case_keeps_its_transitions import make_return
from tests.factories import make_agent, make_license, make_line, make_order
from tests.pages import text

pytestmark = pytest.mark.django_db


def test_a_decided_return_is_found_by_its_reference() -> None:
    agent, case = make_agent(), make_return()
    steps.decline(case, agent, "Too late")
    queue = "/admin/refunds/return/"
    desk = logged_in(agent)
    assert case.reference not in text(desk.get(queue))
    assert case.reference in text(desk.get(f"{queue}?q={case.reference}"))
    assert case.reference not in text(desk.get(f"{queue}?q={case.reference}&todo=open"))  # asked for


def test_a_closed_thread_is_found_by_its_reference() -> None:
    agent, thread = make_agent(), send_letter(Client())
    threads.close(thread, agent)
    queue = "/admin/support/thread/"
    desk = logged_in(agent)
    assert thread.reference not in text(desk.get(queue))
    assert thread.reference in text(desk.get(f"{queue}?q={thread.reference.lower()}"))


def test_a_line_of_today_is_found_among_the_missing_serial_numbers() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    other = make_order(placed_at=timezone.now())
    make_license(make_line(other))
    queue = "/admin/licenses/linewithoutserial/"
    desk = logged_in(make_agent())
    assert order.number not in text(desk.get(queue))
    assert order.number in text(desk.get(f"{queue}?q={order.number}"))
