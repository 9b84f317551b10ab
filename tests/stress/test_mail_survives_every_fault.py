"""2,000 emails while everything around them fails: none is lost, and at most one is duplicated per kill or timeout."""

import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from notifications.models import Message
from tests.smtp import DROP, SILENT, Rule, Slow
from tests.stress.conftest import Finding
from tests.waiting import kill, terminate, wait_until
from tests.worker import PrivatePortal

pytestmark = [pytest.mark.stress, pytest.mark.xdist_group("private_portal")]

MAILS = 2000
KILLS = 20
LONG = 600.0  # seconds
SMTP_MAILS = 100


@pytest.fixture
def portal(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[PrivatePortal]:
    with django_db_blocker.unblock(), PrivatePortal(tmp_path) as portal:
        portal.server.at("DATA", lambda envelope: Slow(0.005))
        portal.start_beat()
        yield portal


def _count(portal: PrivatePortal, found: Finding) -> tuple[int, int]:
    lost, doubled = portal.count_lost_and_duplicated()
    found("emails lost", lost)
    found("emails refused for good", len(portal.refused()))
    found("emails doubled, with the same Message-ID", doubled)
    return lost, doubled


def _progress(portal: PrivatePortal, emails: int) -> None:
    portal.wait_for_emails(min(len(portal.server.emails) + emails, MAILS), LONG)


def test_20_kills_in_2000_emails(portal: PrivatePortal, found: Finding) -> None:
    portal.create_messages(MAILS)
    for _kill in range(KILLS):
        worker = portal.start_worker()
        _progress(portal, random.randint(20, MAILS // KILLS - 10))
        kill(worker)
    assert len(portal.server.emails) < MAILS
    portal.start_worker(concurrency=2)
    portal.wait_until_outbox_empty(LONG)
    lost, doubled = _count(portal, found)
    assert lost == 0
    assert doubled <= KILLS


def test_20_terminations_in_2000_emails(portal: PrivatePortal, found: Finding) -> None:
    portal.create_messages(MAILS)
    for _termination in range(KILLS):
        worker = portal.start_worker(concurrency=2)
        _progress(portal, random.randint(20, MAILS // KILLS - 10))
        terminate(worker)
    portal.start_worker()
    portal.wait_until_outbox_empty(LONG)
    assert _count(portal, found) == (0, 0)


def test_a_broker_stopped_stalled_and_emptied_again_and_again(portal: PrivatePortal, found: Finding) -> None:
    portal.create_messages(MAILS)
    portal.start_worker()
    for _time in range(5):
        _progress(portal, 50)
        portal.broker.flushall()
        _progress(portal, 50)
        portal.broker.client_pause(3000)  # milliseconds
        time.sleep(1)
        portal.stop_broker()
        portal.engines.start_valkey()
    portal.wait_until_outbox_empty(LONG)
    assert _count(portal, found) == (0, 0)


def test_a_database_restarted_again_and_again(portal: PrivatePortal, found: Finding) -> None:
    portal.create_messages(MAILS)
    portal.start_worker(concurrency=2)
    restarts = 5
    for _restart in range(restarts):
        _progress(portal, 100)
        portal.restart_database()
    portal.wait_until_outbox_empty(LONG)
    lost, doubled = _count(portal, found)
    assert lost == 0
    assert doubled <= restarts * 2


def _now_and_then(wish: object, every: int) -> Rule:
    turn = itertools.count(1)
    return lambda envelope: wish if next(turn) % every == 0 else None


@pytest.mark.parametrize(
    ("stage", "wish"),
    [
        ("RCPT", "451 4.7.1 Greylisted"),
        ("DATA", "452 4.3.1 Out of storage"),
        ("DATA", Slow(0.7)),
        ("MAIL", SILENT),
        ("DATA", SILENT),
        ("MAIL", DROP),
        ("DATA", DROP),
    ],
)
def test_a_mail_server_with_moods(portal: PrivatePortal, found: Finding, stage: str, wish: object) -> None:
    portal.server.at(stage, _now_and_then(wish, every=10))
    portal.create_messages(SMTP_MAILS)
    portal.start_worker(concurrency=2)
    portal.wait_until_outbox_empty(LONG)
    lost, doubled = _count(portal, found)
    assert lost == 0
    silences = portal.server.asked["DATA"] // 10 if stage == "DATA" and wish in (SILENT, DROP) else 0
    assert doubled <= silences


def test_a_mail_server_that_refuses_some_for_good(portal: PrivatePortal, found: Finding) -> None:
    portal.server.at("RCPT", _now_and_then("550 5.1.1 No such mailbox", every=10))
    portal.create_messages(SMTP_MAILS)
    portal.start_worker(concurrency=2)
    portal.wait_until_outbox_empty(LONG)
    failed = Message.objects.filter(status=Message.Status.FAILED)
    assert failed.count() == SMTP_MAILS // 10
    assert set(failed.values_list("last_error", flat=True)) == {"550 5.1.1 No such mailbox"}
    assert _count(portal, found) == (0, 0)
    assert len(portal.refused()) == SMTP_MAILS // 10


def test_an_email_that_ends_every_worker_keeps_back_no_other(portal: PrivatePortal) -> None:
    portal.create_messages(1, kind="test_killing")
    portal.create_messages(30)
    portal.start_worker()
    wait_until(lambda: Message.objects.waiting().count() == 1, "all mails but one", LONG)
    assert Message.objects.waiting().get().kind == "test_killing"
