"""An error in one row, one kind or one email is logged and counted, and doesn't affect others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from notifications import delivery, follow_ups, kinds
from notifications.kinds import EmailKind, FollowUpPlan, PlannedFollowUp, plan_each
from notifications.models import FollowUp, Message

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = timedelta(days=10)
Status = FollowUp.Status


def planned(number: int, due_at: datetime = NOW, **fields: Any) -> PlannedFollowUp:
    values = {"recipient": f"buyer-{number}@example.com", "closes_at": due_at + WINDOW}
    return PlannedFollowUp(object_id=number, due_at=due_at, **values | fields)


def fail(*arguments: object) -> Any:
    raise LookupError("a row without an order")


def select_nonsense(*arguments: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")


@contextmanager
def follow_up_kinds(**parts: dict[str, Any]) -> Iterator[None]:
    """As long as this lasts, these are the only kinds. The candidates of each are 1, 2 and 3 by default."""
    registered = {}
    for name, part in parts.items():
        candidates = part.get("candidates", lambda since, until: [planned(number) for number in (1, 2, 3)])
        registered[name] = EmailKind(
            name,
            "mail_kinds/emails/note.html",
            part.get("context", lambda message: {"name": "Ann", "number": 1, "url": "https://orders.example.com/x/"}),
            part.get("still_wanted", lambda message: True),
            label=name,
            follow_up=FollowUpPlan(1, candidates, WINDOW),
        )
    with patch.object(kinds, "_kinds", registered):
        yield


def sent_rows() -> set[tuple[str, int]]:
    return set(FollowUp.objects.filter(status=Status.SENT).values_list("kind", "object_id"))


OTHERS = {"candidates": lambda since, until: [planned(7)]}


@pytest.mark.parametrize("error", [fail, select_nonsense])
def test_an_error_in_the_candidates_of_one_kind_stops_no_other_kind(error: Any) -> None:
    with follow_up_kinds(broken={"candidates": error}, other=OTHERS):
        this_run = follow_ups.run(NOW)
    assert sent_rows() == {("other", 7)}
    assert this_run.failures == ["broken"]


def test_a_row_that_cannot_be_planned_stops_no_other_row() -> None:
    def plan_row(number: int) -> PlannedFollowUp:
        return planned(number) if number != 2 else fail()

    with follow_up_kinds(some={"candidates": lambda since, until: plan_each([1, 2, 3], plan_row)}):
        this_run = follow_ups.run(NOW)
    assert sent_rows() == {("some", 1), ("some", 3)}
    assert this_run.failures == ["some: LookupError"]


@pytest.mark.parametrize("refused", [{"closes_at": NOW + timedelta(hours=1), "due_at": NOW + timedelta(hours=2)}])
def test_a_row_that_the_database_refuses_stops_no_other_row(refused: dict[str, Any]) -> None:
    candidates = [planned(1), planned(2, **refused), planned(3)]
    with follow_up_kinds(some={"candidates": lambda since, until: candidates}):
        this_run = follow_ups.run(NOW)
    assert sent_rows() == {("some", 1), ("some", 3)}
    assert this_run.failures == ["some 2"]


@pytest.mark.parametrize("error", [fail, select_nonsense])
def test_a_row_that_cannot_be_checked_stops_no_other_and_is_tried_again(error: Any) -> None:
    def still_wanted(message: Message) -> bool:
        return bool(error()) if message.object_id == 2 else True

    with follow_up_kinds(some={"still_wanted": still_wanted}):
        assert len(follow_ups.run(NOW).failures) == 1
        assert sent_rows() == {("some", 1), ("some", 3)}
        assert not follow_ups.run(NOW + follow_ups.RETRY_AFTER / 2).failures
        assert len(follow_ups.run(NOW + follow_ups.RETRY_AFTER).failures) == 1
    with follow_up_kinds(some={}):
        follow_ups.run(NOW + 3 * follow_ups.RETRY_AFTER)
    assert ("some", 2) in sent_rows()


def test_a_row_that_never_can_be_checked_ends_with_its_time() -> None:
    with follow_up_kinds(some={"still_wanted": fail}):
        follow_ups.run(NOW)
        this_run = follow_ups.run(NOW + WINDOW)
    assert not this_run.failures
    assert set(FollowUp.objects.values_list("status", flat=True)) == {Status.TOO_LATE}


def test_more_broken_rows_than_one_run_processes_block_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_ups, "MAX_PER_RUN", 3)
    early = NOW - timedelta(hours=1)
    broken = {"still_wanted": fail, "candidates": lambda since, until: [planned(n, early) for n in range(10, 16)]}
    with follow_up_kinds(broken=broken, other=OTHERS):
        for minutes in (0, 10, 20):
            follow_ups.run(NOW + timedelta(minutes=minutes))
    assert sent_rows() == {("other", 7)}


@pytest.mark.usefixtures("note_kinds")
@pytest.mark.django_db(transaction=True)
def test_an_error_in_the_content_of_one_email_stops_no_other_email() -> None:
    now = timezone.now()
    broken = {"context": fail, "candidates": lambda since, until: [planned(1, now), planned(2, now)]}
    with follow_up_kinds(broken=broken, other={"candidates": lambda since, until: [planned(7, now)]}):
        follow_ups.run(now)
        delivery.deliver_due()
    assert Message.objects.get(kind="other").status == Message.Status.SENT
    assert set(Message.objects.filter(kind="broken").values_list("status", flat=True)) == {Message.Status.FAILED}


def test_the_command_sends_the_others_and_ends_with_1() -> None:
    out = StringIO()
    with (
        follow_up_kinds(broken={"candidates": fail}, other=OTHERS),
        pytest.raises(CommandError, match="1 error in broken") as error,
    ):
        call_command("send_followups", "--now", NOW.isoformat(), stdout=out)
    assert error.value.returncode == 1
    assert "1 sent" in out.getvalue()
    assert sent_rows() == {("other", 7)}
