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
from tests.files.factories import jpeg, upload
from tests.support.submissions import CLAIM_FORM, link_in_latest_email, make_claim, submit_message

pytestmark = pytest.mark.django_db(transaction=True)

CONCURRENT_RUNS = 8


def run_concurrently(act: Callable[[int], Any]) -> list[Any]:
    """Call `act` with each number at the same time. Returns the results; for a Refusal, its message."""
    start = Barrier(CONCURRENT_RUNS)

    def run(number: int) -> Any:
        try:
            start.wait(timeout=60)
            return act(number)
        except Refusal as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(CONCURRENT_RUNS) as pool:
        return list(pool.map(run, range(CONCURRENT_RUNS)))


def test_concurrent_submissions_create_one_claim() -> None:
    typed, photo = {**CLAIM_FORM, "submission_id": str(uuid4())}, jpeg()
    locations = run_concurrently(
        lambda _number: Client().post("/help/charged/", {**typed, "proof": upload(photo)})["Location"]
    )
    assert len(set(locations)) == 1
    assert ChargeClaim.objects.count() == Upload.objects.count() == 1
    assert Message.objects.filter(kind="claim_received").count() == 1


def test_concurrent_submissions_create_one_reply() -> None:
    thread = submit_message(Client())
    run_concurrently(lambda _number: threads.reply(thread, "One more thing"))
    assert thread.events.count() == 2


def test_concurrent_answers_of_agents_send_one_answer() -> None:
    thread, agents = submit_message(Client()), [make_agent() for _number in range(CONCURRENT_RUNS)]
    last_seen_id = thread.events.get().pk
    results = run_concurrently(lambda number: threads.answer(thread, agents[number], f"From {number}.", last_seen_id))
    assert results.count(None) == 1
    assert Message.objects.filter(kind="thread_answered").count() == 1


def test_concurrent_decisions_of_agents_match_the_claim_once() -> None:
    order = make_order(store_email="bea@example.com")
    claim, agents = make_claim(), [make_agent() for _number in range(CONCURRENT_RUNS)]
    threads.add_message(claim.thread, threads.Actor.BUYER, "Help!", before="waiting")

    def decide(number: int) -> None:
        if number % 2:
            claims.match_to_order(claim, order, agents[number])
        else:
            claims.mark_no_match(claim, agents[number], "None.")

    run_concurrently(decide)
    claim.refresh_from_db()
    thread = Thread.objects.get()
    # A claim without a match may be matched later, but a matched claim is never decided again.
    email_kinds = list(Message.objects.filter(kind__startswith="claim_").order_by("pk").values_list("kind", flat=True))
    assert email_kinds in (["claim_matched"], ["claim_not_found", "claim_matched"])
    assert (claim.outcome, thread.status, thread.order) == ("matched", "answered", order)


def test_concurrent_uses_of_a_link_open_it_in_one_browser() -> None:
    thread = submit_message(Client())
    link = link_in_latest_email("contact_received")
    statuses = run_concurrently(lambda _number: Client().post(link).status_code)
    assert sorted(statuses) == [302, *[410] * (CONCURRENT_RUNS - 1)]
    assert ThreadLink.objects.filter(thread=thread, used_at__isnull=False).count() == 1
