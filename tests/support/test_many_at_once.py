"""Clicks and agents at the same moment: one claim, one answer, one decision; nothing half done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from cases.refusals import Refusal
from files.models import Upload
from notifications.models import Message
from support.models import ChargeClaim, Thread, ThreadLink
from support.services import claims, threads
from tests.factories import make_agent, make_order
from tests.files.made import jpeg, upload
from tests.support.threads import CHARGE, link_in, make_claim, send_message

pytestmark = pytest.mark.django_db(transaction=True)

TOGETHER = 8


def together(act: Callable[[int], Any]) -> list[Any]:
    """What each of several gets that act at the same moment; of refusals, their sentence."""
    start = Barrier(TOGETHER)

    def one(number: int) -> Any:
        try:
            start.wait(timeout=60)
            return act(number)
        except Refusal as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(one, range(TOGETHER)))


def test_one_claim_of_many_clicks() -> None:
    typed, photo = {**CHARGE, "submission_id": str(uuid4())}, jpeg()
    led_to = together(lambda _number: Client().post("/help/charged/", {**typed, "proof": upload(photo)})["Location"])
    assert len(set(led_to)) == 1
    assert ChargeClaim.objects.count() == Upload.objects.count() == 1
    assert Message.objects.filter(kind="claim_received").count() == 1


def test_one_reply_of_many_clicks() -> None:
    thread = send_message(Client())
    together(lambda _number: threads.reply(thread, "One more thing"))
    assert thread.events.count() == 2


def test_one_answer_of_many_agents() -> None:
    thread, agents = send_message(Client()), [make_agent() for _number in range(TOGETHER)]
    seen = thread.events.get().pk
    said = together(lambda number: threads.answer(thread, agents[number], f"From {number}.", seen))
    assert said.count(None) == 1
    assert Message.objects.filter(kind="thread_answered").count() == 1


def test_one_decision_of_many_agents() -> None:
    order = make_order(store_email="bea@example.com")
    claim, agents = make_claim(), [make_agent() for _number in range(TOGETHER)]
    threads.say(claim.thread, threads.Actor.BUYER, "Help!", before="waiting")

    def decide(number: int) -> None:
        if number % 2:
            claims.match_to_order(claim, order, agents[number])
        else:
            claims.mark_no_match(claim, agents[number], "None.")

    together(decide)
    claim.refresh_from_db()
    thread = Thread.objects.get()
    # A match may follow where none was found before; never the other way round, and never twice.
    told = list(Message.objects.filter(kind__startswith="claim_").order_by("pk").values_list("kind", flat=True))
    assert told in (["claim_matched"], ["claim_not_found", "claim_matched"])
    assert (claim.outcome, thread.status, thread.order) == ("matched", "answered", order)


def test_one_browser_of_many_that_press_the_button_of_a_link() -> None:
    thread = send_message(Client())
    link = link_in("contact_received")
    statuses = together(lambda _number: Client().post(link).status_code)
    assert sorted(statuses) == [302, *[410] * (TOGETHER - 1)]
    assert ThreadLink.objects.filter(thread=thread, used_at__isnull=False).count() == 1
