"""Compare the age of a record with earlier records of its feed for the same order."""

from datetime import UTC, datetime
from typing import Any

NEVER = ""


def sortable_timestamp(moment: datetime | None) -> str | None:
    """Return a time as stored in `Order.sources`: text that sorts in chronological order."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


class Recency:
    """Decides which fields of a record apply, based on its feed's entry in `Order.sources`."""

    __slots__ = ("_absent", "_last_updated_at", "allows_status_rollback", "filled_paths", "is_newest", "updated_at")

    def __init__(self, entry: dict[str, Any] | None, updated_at: str | None) -> None:
        entry = entry or {}
        self.updated_at = updated_at
        self._last_updated_at: str | None = entry.get("updated_at")
        self._absent: dict[str, str] = entry.get("absent") or {}
        last = self._last_updated_at
        self.is_newest = updated_at is None or last is None or updated_at >= last
        # The status can only be compared between two dated records.
        self.allows_status_rollback = updated_at is not None and last is not None and updated_at > last
        self.filled_paths: list[str] = []

    def applies(self, path: str) -> bool:
        """Whether the record's value for this path applies: the record is the newest, or no newer one had the path."""
        if self.is_newest:
            return True
        given_at = self._absent.get(path)
        if given_at is None:
            given_at = self._absent.get(path.partition(".")[0])
        if given_at is None or given_at > (self.updated_at or ""):
            return False
        self.filled_paths.append(path)
        return True

    def last_given_at(self, path: str) -> str:
        """Return when an earlier record last had a value for this path."""
        given_at = self._absent.get(path)
        if given_at is None:
            given_at = self._absent.get(path.partition(".")[0])
        return given_at if given_at is not None else self._last_updated_at or NEVER
