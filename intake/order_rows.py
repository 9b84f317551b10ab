"""Collect the rows of each order in a table. An order is imported completely or rejected completely."""

import csv
from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from intake.feed import FeedContext, RawItem
from intake.problems import ImportRejected, Problem, ProblemCode
from intake.source_file import Row

MAX_ROWS = 5_000  # per order


class Header(Collection[str]):
    """The column names of a table. If several columns have the same name, their values must be equal in each row.

    `is_used` says whether a feed reads a column; unused columns may differ.
    """

    def __init__(self, names: list[str], is_used: Callable[[str], bool] = lambda name: True) -> None:
        self.names = names
        self.columns = frozenset(names)
        positions: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            positions.setdefault(name, []).append(index)
        self._repeated = {
            name: indexes for name, indexes in positions.items() if len(indexes) > 1 and name and is_used(name)
        }

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def find(self, names: Container[str]) -> list[int]:
        """Return the positions of the columns with one of these names."""
        return [index for index, name in enumerate(self.names) if name in names]

    def read(self, cells: list[str]) -> dict[str, str]:
        """Return a row's cells by column. Raises ImportRejected if columns of the same name differ."""
        row = dict(zip(self.names, cells, strict=True))
        for name, indexes in self._repeated.items():
            values = {cells[index].strip() for index in indexes} - {""}
            if len(values) > 1:
                raise ImportRejected(
                    _(
                        "The file has several columns named “%(name)s”, with different values in this row. Remove "
                        "or rename all but the correct one."
                    )
                    % {"name": name[:40]},
                    ProblemCode.COLUMN_CONFLICT,
                    name[:64],
                )
            row[name] = values.pop() if values else ""
        return row


@dataclass(slots=True)
class OpenOrder:
    """The rows of one order that were read so far. If there is a problem, the whole order is rejected."""

    line: int
    rows: list[list[str]]
    problem: str | Problem = ""
    problem_line: int = 0

    def set_problem(self, problem: str | Problem, line: int) -> None:
        """Set the problem, unless there is one."""
        if problem and not self.problem:
            self.problem, self.problem_line = problem, line


class OrderCollector:
    """Collects rows, and yields an order once `max_open` others have begun after it."""

    def __init__(self, header: Header, context: FeedContext, max_open: int) -> None:
        self._header = header
        self.last_number = ""
        self._context = context
        self._max_open = max_open
        self._open: OrderedDict[str, OpenOrder] = OrderedDict()

    def get(self, number: str) -> OpenOrder | None:
        return self._open.get(number)

    def begin(self, number: str, row: Row, problem: str | Problem = "") -> Iterator[RawItem]:
        """Begin an order, or another version of it."""
        if number in self._open:
            yield self._item(number, self._open.pop(number))
        self._open[number] = OpenOrder(row.line, [row.cells], problem, row.line)
        self.last_number = number
        if len(self._open) > self._max_open:
            yield self._item(*self._open.popitem(last=False))

    def add(self, number: str, row: Row, problem: str | Problem = "") -> None:
        """Add a row to an order that has begun."""
        order = self._open[number]
        order.rows.append(row.cells)
        order.set_problem(problem, row.line)
        self.last_number = number

    def reject(self, number: str, row: Row, problem: str | Problem) -> Iterator[RawItem]:
        """Reject a row with its whole order. If its number can't be read, it may belong to the order of the row before
        it.
        """
        if number and isinstance(problem, Problem) and problem.word == number:
            number = f"{number} ({row.line})"  # a spreadsheet turned several order numbers into the same one
        number = number or self.last_number
        if number in self._open:
            if row.cells:
                self.add(number, row, problem)
            else:  # the file is truncated here
                self._open[number].set_problem(problem, row.line)
        elif number:
            yield from self.begin(number, row, problem)
        else:
            yield RawItem(row.line, [row.cells], problem=problem)

    def finish(self) -> Iterator[RawItem]:
        """Yield the orders that are still open."""
        for number, order in self._open.items():
            yield self._item(number, order)
        self._open.clear()

    def _item(self, number: str, order: OpenOrder) -> RawItem:
        problem = order.problem
        if len(order.rows) > MAX_ROWS:
            problem = _("This order has more than %(most)d rows.") % {"most": MAX_ROWS}
        elif problem and len(order.rows) > 1:
            text = _("%(problem)s (line %(line)d; none of the order’s %(count)d rows was imported)") % {
                "problem": problem.text if isinstance(problem, Problem) else problem,
                "line": order.problem_line,
                "count": len(order.rows),
            }
            problem = replace(problem, text=text) if isinstance(problem, Problem) else text
        return RawItem(order.line, order.rows, (self._context.store, number), problem, content=self._header)


def read_cell(row: Row, index: int, delimiter: str) -> str:
    """Return a cell of a row, even if the row could not be split into cells; empty if there is none."""
    cells = row.cells
    if row.problem and len(cells) == 1:
        cells = next(csv.reader(cells, delimiter=delimiter), [])
    return cells[index].strip() if len(cells) > index else ""
