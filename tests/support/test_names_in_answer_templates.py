"""An answer template fills in a name only for the person who had the order open."""

import pytest
from django.test import Client

from orders.models import Order
from support.answer_fields import fill_in
from support.models import AnswerTemplate, Thread
from support.services import claims, threads
from tests.factories import make_agent, make_order
from tests.pages import inside, text
from tests.support.submissions import logged_in, submit_claim, submit_message

pytestmark = pytest.mark.django_db

GREETING = "Hello {name},"


@pytest.fixture
def order() -> Order:
    return make_order(number="A-1001", billing_name="Vera Victim", store_email="victim@example.com")


def greeting(thread: Thread) -> str:
    thread.refresh_from_db()
    return fill_in(GREETING, thread, make_agent())


def test_the_person_who_had_the_order_open_is_greeted_by_name(order: Order) -> None:
    thread = submit_message(inside(order), order=str(order.public_id))
    assert greeting(thread) == "Hello Vera Victim,"
    threads.attach_order(thread, make_agent(), order)
    assert greeting(thread) == "Hello Vera Victim,"


@pytest.mark.parametrize("email", ["mallory@example.com", "victim@example.com"])
def test_a_stranger_does_not_see_the_name_on_an_order_that_staff_attach(
    client: Client, order: Order, email: str
) -> None:
    thread = submit_message(client, email=email)
    threads.attach_order(thread, make_agent(), order)
    assert greeting(thread) == "Hello,"


def test_a_stranger_does_not_see_the_name_on_an_order_that_a_claim_is_matched_to(client: Client, order: Order) -> None:
    thread = submit_claim(client, email="victim@example.com")
    claims.match_to_order(thread.charge_claim, order, make_agent())
    assert greeting(thread) == "Hello,"


def test_an_order_that_staff_put_in_the_place_of_the_open_one_gives_no_name(order: Order) -> None:
    own = make_order(number="B-1", billing_name="Mallory")
    thread = submit_message(inside(own), order=str(own.public_id))
    threads.attach_order(thread, make_agent(), order)
    assert greeting(thread) == "Hello,"
    threads.attach_order(thread, make_agent(), own)
    assert greeting(thread) == "Hello,"  # staff have chosen it now


def test_the_page_of_staff_fills_in_no_name_for_a_stranger(client: Client, order: Order) -> None:
    thread = submit_message(client)
    agent = make_agent()
    threads.attach_order(thread, agent, order)
    template = AnswerTemplate.objects.create(name="Greeting", text=GREETING)
    typed = {"action": "answer", "answer-text_template": template.pk}
    page = logged_in(agent).post(f"/admin/support/thread/{thread.pk}/template/", typed)
    assert "Hello," in text(page)
    assert "Hello Vera" not in text(page)
