"""Staff merge two threads of one person, and never those of two."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases.refusals import NotPossible
from notifications.models import Message
from support.models import Thread
from support.services import merging, threads
from tests.concurrency import run_concurrently
from tests.factories import make_agent, make_order
from tests.pages import inside, text
from tests.support.submissions import logged_in, make_claim, submit_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return make_agent(username="ada")


def write(client: Client, subject: str, *, is_proven: bool = True, **fields: Any) -> Thread:
    thread = submit_message(client, subject=subject, **fields)
    if is_proven:
        Thread.objects.filter(pk=thread.pk).update(email_proven_at=timezone.now())
    return Thread.objects.get(pk=thread.pk)


def test_the_other_thread_goes_on_with_both_conversations(client: Client, agent: User) -> None:
    first, second = write(client, "Error 7", message="It says error 7."), write(client, "Again", message="Still 7!")
    emails = Message.objects.count()
    merging.merge(second, first, agent)
    second.refresh_from_db()
    assert (second.status, second.merged_into) == ("closed", first)
    assert Message.objects.count() == emails
    page = text(logged_in(agent).get(f"/admin/support/thread/{first.pk}/change/"))
    for said in ("It says error 7.", "Still 7!", f"{second.reference} was merged into this thread."):
        assert said in page
    page = logged_in(agent).get(f"/admin/support/thread/{second.pk}/change/")
    assert f"/admin/support/thread/{first.pk}/change/" in page.content.decode()


def test_an_answered_thread_waits_again_if_the_merged_one_waited(client: Client, agent: User) -> None:
    first, second = write(client, "Error 7"), write(client, "Again")
    threads.answer(first, agent, "Restart it.")
    due = timezone.now() + timedelta(hours=3)
    Thread.objects.filter(pk=second.pk).update(due_at=due)
    merging.merge(Thread.objects.get(pk=second.pk), first, agent)
    first.refresh_from_db()
    assert (first.status, first.due_at) == ("waiting", due)


def test_the_earlier_due_time_counts(client: Client, agent: User) -> None:
    first, second = write(client, "Error 7"), write(client, "Again")
    earlier = timezone.now() - timedelta(hours=3)
    Thread.objects.filter(pk=first.pk).update(due_at=earlier)
    merging.merge(second, Thread.objects.get(pk=first.pk), agent)
    first.refresh_from_db()
    assert first.due_at == earlier


def test_the_order_of_the_merged_thread_is_taken_over_without_its_proof(agent: User) -> None:
    order = make_order()
    browser = inside(order)
    first = write(browser, "Error 7", email=order.email)
    second = write(browser, "Again", email=order.email, order=str(order.public_id))
    Thread.objects.filter(pk=first.pk).update(order=None, order_proven=False)
    merging.merge(second, Thread.objects.get(pk=first.pk), agent)
    first.refresh_from_db()
    assert (first.order, first.order_proven) == (order, False)


def test_a_merged_thread_can_be_neither_answered_nor_closed_nor_merged_again(client: Client, agent: User) -> None:
    first, second = write(client, "Error 7"), write(client, "Again")
    merging.merge(second, first, agent)
    for action in (
        lambda: threads.answer(second, agent, "Hello"),
        lambda: threads.ask(second, agent, "Hello?"),
        lambda: threads.close(second, agent),
        lambda: merging.merge(second, first, agent),
        lambda: merging.merge(first, second, agent),
    ):
        with pytest.raises(NotPossible):
            action()
    assert not Message.objects.filter(kind="thread_answered").exists()


def test_threads_that_were_merged_before_follow(client: Client, agent: User) -> None:
    first, second, third = (write(client, subject) for subject in ("A", "B", "C"))
    merging.merge(third, second, agent)
    merging.merge(second, first, agent)
    third.refresh_from_db()
    assert third.merged_into == first


def test_the_buyers_page_says_where_the_conversation_continues(client: Client, agent: User) -> None:
    first, second = write(client, "Error 7", message="Error 17."), write(client, "Again")
    merging.merge(second, first, agent)
    page = client.get(second.path)
    assert first.path in page.content.decode()
    assert "one conversation" in text(page)
    assert "Error 17." not in text(page)


# --- What is refused -------------------------------------------------------------------------------------


def test_threads_of_two_addresses_are_never_merged(client: Client, agent: User) -> None:
    first, second = write(client, "Error 7"), write(client, "Again", email="other@example.com")
    with pytest.raises(NotPossible, match="different email addresses"):
        merging.merge(second, first, agent)


def test_a_strangers_thread_with_a_buyers_address_does_not_receive_the_buyers_conversation(
    client: Client, agent: User
) -> None:
    """The stranger wrote it in their own browser, which still shows it with every answer."""
    buyers = write(client, "Error 7")
    strangers = write(Client(), "Where is my serial number?", is_proven=False)
    with pytest.raises(NotPossible, match="isn’t proven"):
        merging.merge(buyers, strangers, agent)
    merging.merge(strangers, buyers, agent)


def test_threads_about_two_orders_are_not_merged(client: Client, agent: User) -> None:
    first, second = write(client, "A"), write(client, "B")
    Thread.objects.filter(pk=first.pk).update(order=make_order())
    Thread.objects.filter(pk=second.pk).update(order=make_order())
    with pytest.raises(NotPossible, match="different orders"):
        merging.merge(Thread.objects.get(pk=second.pk), Thread.objects.get(pk=first.pk), agent)


def test_a_charge_claim_is_not_merged_away(client: Client, agent: User) -> None:
    claim = make_claim().thread
    other = write(client, "A", email=claim.email)
    with pytest.raises(NotPossible, match="decided on its own"):
        merging.merge(claim, other, agent)


def test_a_message_that_staff_have_not_read_is_not_merged_away(client: Client, agent: User) -> None:
    first, second = write(client, "A"), write(client, "B")
    read = second.events.latest("pk").pk
    threads.reply(second, "One more thing.")
    with pytest.raises(threads.NewerMessageExists):
        merging.merge(second, first, agent, read)


@pytest.mark.parametrize("typed", ["M-XXXXXXXX", "", "\x00", "1"])
def test_an_unknown_reference_is_refused_with_a_sentence(client: Client, agent: User, typed: str) -> None:
    thread = write(client, "A")
    fields = {"action": "merge", "merge-reference": typed, "merge-last_seen_id": ""}
    page = logged_in(agent).post(f"/admin/support/thread/{thread.pk}/decide/", fields)
    assert page.status_code == 200
    thread.refresh_from_db()
    assert thread.merged_into is None


@pytest.mark.django_db(transaction=True)
def test_merging_each_into_the_other_at_once_leaves_one_open(client: Client, agent: User) -> None:
    first, second = write(client, "A"), write(client, "B")
    ended = run_concurrently([lambda: merging.merge(first, second, agent), lambda: merging.merge(second, first, agent)])
    assert [isinstance(each, NotPossible) for each in ended].count(True) == 1
    assert Thread.objects.filter(status="closed").count() == 1
