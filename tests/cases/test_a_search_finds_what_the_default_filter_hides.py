"""Queues list open cases by default, but a search looks at all of them."""

import pytest
from django.test import Client
from django.utils import timezone

from cases import services
from support.services import threads
from tests.cases.test_case_transitions import make_return
from tests.factories import make_agent, make_license, make_line, make_order
from tests.pages import text
from tests.support.submissions import logged_in, submit_message

pytestmark = pytest.mark.django_db


def test_a_decided_return_is_found_by_its_reference() -> None:
    agent, case = make_agent(), make_return()
    services.decline(case, agent, "Too late")
    queue = "/admin/refunds/return/"
    staff_client = logged_in(agent)
    assert case.reference not in text(staff_client.get(queue))
    assert case.reference in text(staff_client.get(f"{queue}?q={case.reference}"))
    assert case.reference not in text(staff_client.get(f"{queue}?q={case.reference}&todo=open"))  # asked for


def test_a_closed_thread_is_found_by_its_reference() -> None:
    agent, thread = make_agent(), submit_message(Client())
    threads.close(thread, agent)
    queue = "/admin/support/thread/"
    staff_client = logged_in(agent)
    assert thread.reference not in text(staff_client.get(queue))
    assert thread.reference in text(staff_client.get(f"{queue}?q={thread.reference.lower()}"))


def test_a_line_without_serial_number_of_today_is_found_by_its_order() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order)
    other = make_order(placed_at=timezone.now())
    make_license(make_line(other))
    queue = "/admin/licenses/linewithoutserial/"
    staff_client = logged_in(make_agent())
    assert order.number not in text(staff_client.get(queue))
    assert order.number in text(staff_client.get(f"{queue}?q={order.number}"))
