"""One scheduler at a time starts tasks: by a lease in PostgreSQL, also if the database or a process fails."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.beat import PersistentScheduler
from django.db import OperationalError
from django.utils import timezone

from portal import beat
from portal.beat import LEASE_SECONDS, RENEWAL_SECONDS, WAIT_SECONDS, LeasedScheduler
from portal.celery import app
from portal.models import SchedulerLease

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The holders of the schedulers that started due tasks, in sequence. Nothing is sent to a broker."""
    started: list[str] = []

    def tick(self: LeasedScheduler, *_args: Any, **_kwargs: Any) -> float:
        started.append(self.holder)
        return 60.0

    monkeypatch.setattr(PersistentScheduler, "tick", tick)
    monkeypatch.setattr(app, "send_task", lambda name, **options: started.append(name))
    monkeypatch.setattr(beat, "close_old_connections", lambda: None)  # the test's own must stay
    return started


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the schedulers; tests move it."""
    now = [1000.0]
    monkeypatch.setattr(beat.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def schedulers(tmp_path: Path, clock: list[float]) -> Iterator[list[LeasedScheduler]]:
    made = [LeasedScheduler(app, schedule_filename=str(tmp_path / f"schedule{number}")) for number in range(2)]
    yield made
    for scheduler in made:
        scheduler._store = None


def expire_lease() -> None:
    SchedulerLease.objects.update(until=timezone.now() - timedelta(seconds=1))


def test_celery_uses_this_scheduler() -> None:
    assert app.conf.beat_scheduler == "portal.beat:LeasedScheduler"


def test_one_starts_tasks_and_the_other_waits(schedulers: list[LeasedScheduler], ticks: list[str]) -> None:
    first, second = schedulers
    assert first.tick() == RENEWAL_SECONDS
    assert second.tick() == WAIT_SECONDS
    assert ticks == ["portal.tasks.heartbeat", first.holder]


def test_the_lease_is_renewed_and_kept(schedulers: list[LeasedScheduler], ticks: list[str], clock: list[float]) -> None:
    first, second = schedulers
    for _minute in range(60 // RENEWAL_SECONDS):
        first.tick()
        second.tick()
        clock[0] += RENEWAL_SECONDS
    assert second.holder not in ticks
    assert ticks.count(first.holder) == 60 // RENEWAL_SECONDS


def test_after_the_lease_of_a_killed_scheduler_another_takes_over(
    schedulers: list[LeasedScheduler], ticks: list[str], clock: list[float]
) -> None:
    first, second = schedulers
    first.tick()
    second.tick()
    clock[0] += LEASE_SECONDS
    expire_lease()
    second.tick()
    assert ticks[-1] == second.holder
    first.tick()  # it was only suspended
    assert ticks[-1] == second.holder


def test_a_scheduler_that_ends_gives_up_its_lease(schedulers: list[LeasedScheduler], ticks: list[str]) -> None:
    first, second = schedulers
    first.tick()
    second.close()  # a waiting one takes nothing away
    assert SchedulerLease.objects.get().holder == first.holder
    first.close()
    assert not SchedulerLease.objects.exists()


def test_without_the_database_tasks_are_started_until_the_lease_ends(
    schedulers: list[LeasedScheduler], ticks: list[str], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _second = schedulers
    first.tick()

    def fail(*_args: object) -> bool:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(SchedulerLease, "take", fail)
    clock[0] += RENEWAL_SECONDS
    first.tick()
    assert ticks.count(first.holder) == 2
    clock[0] += LEASE_SECONDS
    assert first.tick() == WAIT_SECONDS
    assert ticks.count(first.holder) == 2
