"""A follow-up about orders for tests: wanted on some days, for some of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from notifications import kinds
from notifications.kinds import EmailKind, FollowUpPlan, PlannedFollowUp
from notifications.models import Message

TEMPLATE = "mail_kinds/emails/note.html"


class World:
    """What could be followed up, and what is still wanted."""

    def __init__(self) -> None:
        self.planned: list[PlannedFollowUp] = []
        self.unwanted: set[int] = set()

    def candidates(self, since: datetime, until: datetime) -> Iterator[PlannedFollowUp]:
        return (each for each in self.planned if since < each.due_at <= until)

    def still_wanted(self, message: Message) -> bool:
        return message.object_id not in self.unwanted


@contextmanager
def a_kind(world: World, name: str = "nudge", window: timedelta = timedelta(days=10)) -> Iterator[None]:
    """As long as this lasts, the only follow-ups are those of this world."""
    kind = EmailKind(
        name,
        TEMPLATE,
        lambda message: {"name": "Ann", "number": message.object_id, "url": "https://orders.example.com/x/"},
        world.still_wanted,
        label="Nudge",
        follow_up=FollowUpPlan(1, world.candidates, window),
    )
    with patch.object(kinds, "_kinds", {name: kind}):
        yield
