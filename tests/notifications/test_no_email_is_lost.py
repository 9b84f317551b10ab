"""Real workers, a real broker, a real database and a real mail server, each stopped while it is working.

Marked as one group, so that in a parallel run the machine has one such portal at a time.
"""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from notifications.models import Message
from tests.smtp import Slow
from tests.waiting import kill, terminate, wait_until
from tests.worker import EMAIL_TIMEOUT, PrivatePortal

pytestmark = pytest.mark.xdist_group("private_portal")

MAILS = 200
# Where nothing stalls, no email may be sent twice. An email whose reply is late is sent again, and with `EMAIL_TIMEOUT`
# a busy machine alone can be too late.
PATIENT = 10.0  # seconds


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[PrivatePortal]:
    with django_db_blocker.unblock(), PrivatePortal(tmp_path_factory.mktemp("portal")) as portal:
        portal.start_beat()
        yield portal


@pytest.fixture
def portal(running: PrivatePortal) -> Iterator[PrivatePortal]:
    """Empty, without a worker; the broker runs, and the mail server responds in 5 ms."""
    Message.objects.all().delete()
    running.server.emails.clear()
    running.server.at("DATA", lambda envelope: Slow(0.005))
    yield running
    for process in running.processes[1:]:
        kill(process)
    del running.processes[1:]


def test_a_worker_killed_during_200_emails_loses_none_and_duplicates_at_most_one(portal: PrivatePortal) -> None:
    portal.create_messages(MAILS)
    worker = portal.start_worker()
    portal.wait_for_emails(MAILS // 4)
    kill(worker)
    assert len(portal.server.emails) < MAILS
    portal.start_worker()
    portal.wait_until_outbox_empty()
    lost, doubled = portal.count_lost_and_duplicated()
    assert lost == 0
    assert doubled <= 1


def test_a_worker_that_shuts_down_finishes_its_email_and_releases_the_rest(portal: PrivatePortal) -> None:
    portal.create_messages(MAILS)
    worker = portal.start_worker(email_timeout=PATIENT)
    portal.wait_for_emails(MAILS // 4)
    terminate(worker, seconds=10)
    assert len(portal.server.emails) < MAILS
    assert not Message.objects.exclude(leased_until=None).exists()
    portal.start_worker(email_timeout=PATIENT)
    portal.wait_until_outbox_empty()
    assert portal.count_lost_and_duplicated() == (0, 0), portal.log("worker")


@pytest.mark.stress
def test_restarts_of_worker_and_beat_and_a_kill_lose_no_email(portal: PrivatePortal) -> None:
    portal.create_messages(MAILS)
    for stop in (terminate, kill):
        worker = portal.start_worker(email_timeout=2 * EMAIL_TIMEOUT)
        portal.wait_for_emails(len(portal.server.emails) + MAILS // 8)
        stop(worker)
        terminate(portal.processes[0])
        portal.processes[0] = portal.start_beat()
        portal.processes.pop()
        portal.create_messages(5)
    assert len(portal.server.emails) < MAILS
    portal.start_worker(email_timeout=2 * EMAIL_TIMEOUT)
    portal.wait_until_outbox_empty()
    lost, doubled = portal.count_lost_and_duplicated()
    assert lost == 0
    assert doubled <= 1  # by the kill


def test_two_workers_share_the_outbox_and_never_send_the_same_email(portal: PrivatePortal) -> None:
    before = portal.server.connections
    # Slow enough that the second worker starts while the first is working.
    portal.server.at("DATA", lambda envelope: Slow(0.04))
    portal.create_messages(MAILS)
    portal.start_worker(concurrency=2, email_timeout=PATIENT)
    portal.start_worker(concurrency=2, email_timeout=PATIENT)
    portal.wait_until_outbox_empty()
    assert portal.count_lost_and_duplicated() == (0, 0), portal.log("worker")
    assert portal.server.connections - before >= 2


def test_a_broker_that_is_emptied_and_then_dies_holds_no_email_back_for_long(portal: PrivatePortal) -> None:
    portal.start_worker()
    portal.create_messages(5)
    portal.wait_until_outbox_empty()
    portal.broker.flushall()
    portal.create_messages(5)
    portal.wait_until_outbox_empty()
    portal.stop_broker()
    portal.create_messages(5)
    portal.engines.start_valkey()
    portal.wait_until_outbox_empty()
    assert portal.count_lost_and_duplicated() == (0, 0)


def test_a_stalled_broker_holds_email_back_only_while_it_stalls(portal: PrivatePortal) -> None:
    portal.start_worker()
    portal.create_messages(1)
    portal.wait_until_outbox_empty()
    portal.broker.client_pause(3000)  # milliseconds
    portal.create_messages(20)
    portal.wait_until_outbox_empty()
    assert portal.count_lost_and_duplicated() == (0, 0)


def test_a_restarted_database_interrupts_delivery_and_loses_nothing(portal: PrivatePortal) -> None:
    portal.create_messages(MAILS)
    portal.start_worker()
    portal.wait_for_emails(MAILS // 4)
    portal.restart_database()
    portal.wait_until_outbox_empty()
    lost, doubled = portal.count_lost_and_duplicated()
    assert lost == 0
    assert doubled <= 1


def test_a_mail_server_that_was_away_gets_everything_when_it_is_back(portal: PrivatePortal) -> None:
    portal.server.stop()
    portal.create_messages(10)
    portal.start_worker()
    wait_until(lambda: Message.objects.filter(attempts__gte=1).exists(), "a failed first attempt")
    portal.server.start()
    portal.wait_until_outbox_empty()
    assert portal.count_lost_and_duplicated() == (0, 0)
