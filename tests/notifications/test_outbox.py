"""The functions that other apps call: send, send many, send again, cancel, and the status of emails."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from notifications import kinds, services
from notifications.models import Message
from tests.factories import make_order, make_store
from tests.notifications.conftest import NoteMaker

pytestmark = pytest.mark.usefixtures("db", "note_kinds")


def test_an_email_is_a_row_with_its_kinds_priority_and_the_present_language() -> None:
    order = make_order()
    with translation.override("de"):
        assert services.send("test_urgent", order, " ann@example.com ", order_id=order.pk)
    message = Message.objects.get()
    assert (message.kind, message.object_id, message.order_id) == ("test_urgent", order.pk, order.pk)
    assert message.recipient == "ann@example.com"
    assert message.language == "de"
    assert message.priority == kinds.PRIORITY_NOW
    assert message.due_at <= timezone.now()


def test_the_same_email_is_written_once() -> None:
    order = make_order()
    assert services.send("test_note", order, "ann@example.com") is True
    assert services.send("test_note", order, "ann@example.com") is False
    assert services.send("test_note", order, "ann@example.com", "second") is True
    assert services.send("test_urgent", order, "ann@example.com") is True
    assert Message.objects.count() == 3


def test_the_database_itself_keeps_kind_object_and_key_unique(make_note: NoteMaker) -> None:
    make_note(object_id=7, key="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_note(object_id=7, key="x")


def test_without_an_address_nothing_is_written() -> None:
    assert services.send("test_note", make_order(), "  ") is False
    assert not Message.objects.exists()


def test_an_unknown_kind_raises_an_error() -> None:
    with pytest.raises(KeyError):
        services.send("nobody_registers_this", make_order(), "ann@example.com")


def test_many_emails_take_two_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store = make_store()
    orders = [make_order(store=store) for _number in range(30)]
    services.send("test_note", orders[0], "ann@example.com")
    with django_assert_num_queries(2):
        written = services.send_many(
            services.OutgoingEmail("test_note", order, "ann@example.com", order_id=order.pk) for order in orders
        )
    assert written == 29
    assert Message.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_sends_nothing() -> None:
    order = make_order()

    @transaction.atomic
    def fail_halfway() -> None:
        services.send("test_note", order, "ann@example.com")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert not Message.objects.exists()


def test_sending_again_writes_a_second_email_once_the_first_has_left() -> None:
    order = make_order()
    services.send("test_note", order, "ann@example.com", order_id=order.pk)
    Message.objects.update(status=Message.Status.SENT)
    assert services.send_again("test_note", order, "ann@example.com", order_id=order.pk) is True
    assert services.send_again("test_note", order, "ann@example.com", order_id=order.pk) is False
    assert Message.objects.count() == 2
    assert Message.objects.waiting().get().key == "again-1"


def test_sending_again_hurries_an_email_that_still_waits(make_note: NoteMaker) -> None:
    order = make_order()
    services.send("test_note", order, "ann@example.com", due_at=timezone.now() + timedelta(hours=1))
    assert services.send_again("test_note", order, "ann@example.com") is False
    assert Message.objects.get().due_at <= timezone.now()


def test_canceling_affects_waiting_emails_only(make_note: NoteMaker) -> None:
    waiting = make_note(object_id=7, key="a")
    sent = make_note(object_id=7, key="b", status=Message.Status.SENT)
    other = make_note(object_id=8)
    assert services.cancel("test_note", 7) == 1
    statuses = dict(Message.objects.values_list("pk", "status"))
    assert statuses == {waiting.pk: "cancelled", sent.pk: "sent", other.pk: "waiting"}


def test_the_order_page_shows_the_status_and_a_masked_address(
    make_note: NoteMaker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_note(order_id=5, recipient="ann@example.com", code="ABCDEFGHJKLM")
    make_note(order_id=5, kind="test_urgent", status=Message.Status.BOUNCED, sent_at=timezone.now())
    make_note(order_id=6)
    with django_assert_num_queries(1):
        newest, oldest = services.mails_about_order(5)
    assert (newest.label, newest.status, newest.status_label) == ("Urgent note", "bounced", "bounced")
    assert (oldest.label, oldest.status_label, oldest.address) == ("Note", "waiting", "a…@e….com")
    assert oldest.code == "ABCD-EFGH-JKLM"
