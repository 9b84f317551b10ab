"""Two addresses without a key both have an empty key, but don't count as the same."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications import follow_ups
from notifications.follow_ups import FollowUpRun
from notifications.kinds import PlannedFollowUp
from notifications.models import FollowUp
from refunds.services.withdrawals import WithdrawalStatement, withdraw
from tests.notifications.follow_up_kinds import World, a_kind

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 1, tzinfo=UTC)
Status = FollowUp.Status


def _plan(world: World, *recipients: str) -> None:
    due_at = NOW + timedelta(hours=1)
    for number, recipient in enumerate(recipients):
        world.planned.append(PlannedFollowUp(number, recipient, due_at, due_at + timedelta(hours=4)))
    follow_ups.plan(NOW, FollowUpRun())
    follow_ups.send_due(NOW + timedelta(hours=2), FollowUpRun())


def test_nobody_waits_for_a_follow_up_to_somebody_else() -> None:
    world = World()
    with a_kind(world):
        _plan(world, "ann@straße.example", "vİctim@gmail.com")
        assert set(FollowUp.objects.values_list("status", flat=True)) == {Status.SENT}


def test_one_address_without_a_key_still_gets_one_a_day() -> None:
    world = World()
    with a_kind(world):
        _plan(world, "ann@straße.example", "ann@straße.example")
        assert sorted(FollowUp.objects.values_list("status", flat=True)) == [Status.PLANNED, Status.SENT]
        assert follow_ups.waiting_for_another_day(NOW + timedelta(hours=2)).count() == 1


def test_the_same_words_with_another_address_are_another_withdrawal() -> None:
    first = withdraw(WithdrawalStatement("Ann", "A-1001", "ann@straße.example"), "en")
    other = withdraw(WithdrawalStatement("Ann", "A-1001", "ann@weiße.example"), "en")
    assert other != first
    assert withdraw(WithdrawalStatement("Ann", "A-1001", "ann@straße.example"), "en") == first
