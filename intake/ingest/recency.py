"""What a record says, beside what its order heard before: which of it is newer."""

from datetime import UTC, datetime
from typing import Any

NEVER = ""


def stamp(moment: datetime | None) -> str | None:
    """A time as `sources` keeps it: texts that sort as their times do."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


class Recency:
    """Whether what a record says stands against what its feed said before."""

    __slots__ = ("_absent", "_known_at", "at", "dated", "filled", "fresh", "may_move_back")

    def __init__(self, known: dict[str, Any] | None, at: str | None) -> None:
        known = known or {}
        self.at = at
        self._known_at: str | None = known.get("updated_at")
        self._absent: dict[str, str] = known.get("absent") or {}
        self.fresh = at is None or self._known_at is None or at >= self._known_at
        self.dated = at is not None and self._known_at is not None  # both, so that they can be compared
        self.may_move_back = self.dated and self.fresh and at != self._known_at
        self.filled: list[str] = []

    def stands(self, path: str) -> bool:
        """Whether what the record says under this path is to be applied."""
        if self.fresh:
            return True
        said_at = self._absent.get(path)
        if said_at is None:
            said_at = self._absent.get(path.partition(".")[0])
        if said_at is None or said_at > (self.at or ""):
            return False
        self.filled.append(path)
        return True

    def last_said(self, path: str) -> str:
        """When this path was last said, before this record."""
        said_at = self._absent.get(path)
        if said_at is None:
            said_at = self._absent.get(path.partition(".")[0])
        return said_at if said_at is not None else self._known_at or NEVER
