"""Problems of a row in an import: it is rejected, skipped, or imported with a warning."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class ProblemCode(StrEnum):
    """The stable name of a problem, for scripts and lists. docs/importing.md explains each."""

    # Rejected: nothing of the row is imported.
    INVALID = "invalid"
    CARD_NUMBER = "card_number"
    DATABASE = "database"
    NOT_AN_ORDER = "not_an_order"
    COLUMN_CONFLICT = "column_conflict"
    MISSING_DATE = "missing_date"
    MISSING_TOTAL = "missing_total"
    ORDER_NOT_FOUND = "order_not_found"
    SPREADSHEET_DAMAGE = "spreadsheet_damage"
    UNCLEAR_AMOUNT = "unclear_amount"
    PAYMENT_DIFFERS = "payment_differs"
    UNCLEAR_DATE = "unclear_date"
    UNDECODABLE = "undecodable"
    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_STATUS = "unknown_status"
    # Imported with a warning.
    AMBIGUOUS_ADDRESS = "ambiguous_address"
    GARBLED_TEXT = "garbled_text"
    MISSING_STATUS = "missing_status"
    NO_ITEMS = "no_items"
    TOTALS_DIFFER = "totals_differ"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one row. `text` is the message for staff, `word` the text in the file that caused it."""

    text: str
    code: ProblemCode = ProblemCode.INVALID
    word: str = ""


class ImportRejected(Exception):
    """A row cannot be imported. The message is the reason shown to staff."""

    def __init__(self, text: str, code: ProblemCode = ProblemCode.INVALID, word: str = "") -> None:
        super().__init__(text)
        self.problem = Problem(text, code, word)


class RowSkipped(Exception):
    """A row isn't an order, according to staff. It is counted and skipped."""


def storable(text: str) -> str:
    """Return the text without characters that PostgreSQL can't store: null bytes and unpaired surrogates."""
    return (
        text if text.isascii() and "\x00" not in text else text.replace("\x00", "�").encode(errors="replace").decode()
    )


@dataclass
class ProblemCount:
    """The number of problems with a code, and the message of the first one."""

    code: str
    first: str
    count: int = 0


@dataclass
class ProblemCounts:
    """The rejects or warnings of an import by code."""

    by_code: dict[str, ProblemCount] = field(default_factory=dict)

    @classmethod
    def from_list(cls, counts: Iterable[dict[str, Any]]) -> "ProblemCounts":
        """Create the counts from a list returned by `as_list`."""
        return cls({each["code"]: ProblemCount(**each) for each in counts})

    @property
    def total(self) -> int:
        return sum(each.count for each in self.by_code.values())

    def plus(self, problems: Iterable[Problem]) -> "ProblemCounts":
        """Return a copy with these problems added."""
        counts = ProblemCounts({code: ProblemCount(**asdict(each)) for code, each in self.by_code.items()})
        for problem in problems:
            code = problem.code.value
            counts.by_code.setdefault(code, ProblemCount(code, storable(problem.text))).count += 1
        return counts

    def as_list(self) -> list[dict[str, Any]]:
        """Return the format for scripts and the run's page: [{"code", "first", "count"}]."""
        return [asdict(each) for each in self.by_code.values()]
