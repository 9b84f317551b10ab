"""In any order of events, follow-ups are never sent needlessly, twice, outside their time or after an opt-out."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from notifications import follow_ups, opt_outs
from notifications.follow_ups import ONE_A_DAY, PLAN_AHEAD
from notifications.kinds import PlannedFollowUp
from notifications.models import FollowUp, Message, OptOut
from tests.notifications.follow_up_kinds import World, a_kind

START = datetime(2026, 11, 1, tzinfo=UTC)
PEOPLE = ["ann@example.com", "bob@example.com", "Ann@Example.com"]
Status = FollowUp.Status

steps = st.lists(
    st.one_of(
        st.tuples(st.just("new"), st.integers(0, 2), st.integers(0, 200), st.integers(1, 200)),
        st.tuples(st.just("end"), st.integers(0, 20)),
        st.tuples(st.just("off"), st.integers(0, 2)),
        st.tuples(st.just("on"), st.integers(0, 2)),
        st.tuples(st.just("run"), st.sampled_from([0, 1, 7, 24, 30, 24 * 7])),
    ),
    max_size=40,
)


class AnyOrderOfEvents(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(steps)
    def test_follow_ups(self, course: list[tuple[Any, ...]]) -> None:
        world, now = World(), START
        off: set[str] = set()
        sent_before: set[int] = set()
        sent_at: dict[str, list[datetime]] = {}
        with a_kind(world):
            for name, *how in [*course, ("run", 0)]:
                if name == "new":
                    person, due_in, lasts = how
                    due_at = now + timedelta(hours=due_in)
                    world.planned.append(
                        PlannedFollowUp(len(world.planned), PEOPLE[person], due_at, due_at + timedelta(hours=lasts))
                    )
                elif name == "end":
                    world.unwanted.add(how[0])
                elif name == "off":
                    opt_outs.switch_off(PEOPLE[how[0]], OptOut.Source.PAGE)
                    off.add(PEOPLE[how[0]].lower())
                elif name == "on":
                    opt_outs.switch_on(PEOPLE[how[0]])
                    off.discard(PEOPLE[how[0]].lower())
                else:
                    now += timedelta(hours=how[0])
                    follow_ups.run(now)
                    new = FollowUp.objects.filter(status=Status.SENT).exclude(pk__in=sent_before)
                    for row in new:
                        sent_before.add(row.pk)
                        self._is_right(row, world, off, now)
                        sent_at.setdefault(row.recipient.lower(), []).append(now)
                    self._nothing_is_forgotten(world, off, sent_at, now)
        assert all(number == 1 for number in Counter(Message.objects.values_list("object_id", flat=True)).values())
        for times in sent_at.values():
            assert all(later - earlier >= ONE_A_DAY for earlier, later in pairwise(times))

    def _is_right(self, row: FollowUp, world: World, off: set[str], now: datetime) -> None:
        assert row.object_id not in world.unwanted
        assert row.due_at <= now < row.closes_at
        assert row.recipient.lower() not in off
        assert row.message is not None

    def _nothing_is_forgotten(
        self, world: World, off: set[str], sent_at: dict[str, list[datetime]], now: datetime
    ) -> None:
        """Every due and wanted follow-up was sent in time, or its address had one within a day."""
        rows = {row.object_id: row for row in FollowUp.objects.all()}
        for planned in world.planned:
            person = planned.recipient.lower()
            if not planned.due_at <= now < planned.closes_at or planned.object_id in world.unwanted or person in off:
                continue
            row = rows[planned.object_id]
            lately = any(now - moment < ONE_A_DAY for moment in sent_at.get(person, []))
            assert row.status in (Status.SENT, Status.SWITCHED_OFF) or (row.status == Status.PLANNED and lately)


@pytest.mark.django_db
def test_a_clock_that_jumps_a_week_loses_nothing_and_floods_nobody() -> None:
    world = World()
    for number in range(5):
        due_at = START + timedelta(hours=number)
        world.planned.append(PlannedFollowUp(number, "ann@example.com", due_at, due_at + timedelta(days=14)))
        world.planned.append(PlannedFollowUp(100 + number, "bob@example.com", due_at, due_at + timedelta(days=2)))
    with a_kind(world, window=timedelta(days=14)):
        follow_ups.run(START - PLAN_AHEAD / 2)
        now = START + timedelta(days=7)
        follow_ups.run(now)
        assert [row.recipient for row in FollowUp.objects.filter(status=Status.SENT)] == ["ann@example.com"]
        assert FollowUp.objects.filter(status=Status.TOO_LATE, recipient="bob@example.com").count() == 5
        for day in range(1, 7):
            follow_ups.run(now + timedelta(days=day))
        assert FollowUp.objects.filter(status=Status.SENT, recipient="ann@example.com").count() == 5
    assert not FollowUp.objects.planned().exists()
