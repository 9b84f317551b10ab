"""Charts as SVG, made from numbers by templates. A table next to each chart has the same numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext

from orders.formats import count

# In units of the drawing, which is scaled to the width of the page.
WIDTH, HEIGHT = 320, 130
LEFT, RIGHT, TOP, BOTTOM = 30, 10, 10, 18  # room for the labels of the axes
GAP = 3  # between two days


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a text with the list behind it, or a share of the longest bar from 0 to 1."""

    text: str
    url: str = ""
    share: float | None = None

    @property
    def bar(self) -> str:
        """The width of the bar, of 100. A number for SVG, whatever the language."""
        return f"{100 * (self.share or 0):.1f}"


@dataclass(frozen=True)
class Table:
    caption: str
    headers: Sequence[str | Promise]
    rows: Sequence[Sequence[Cell]]

    @property
    def has_bars(self) -> bool:
        """Whether its last column has bars, whose header is only read aloud."""
        return bool(self.rows) and self.rows[0][-1].share is not None


class Bar(NamedTuple):
    """A bar of the drawing. All are texts with a decimal point, because templates write numbers in the language."""

    style: str
    x: str
    y: str
    width: str
    height: str


class Mark(NamedTuple):
    """A label of an axis, and its place."""

    x: str
    y: str
    text: str


@dataclass(frozen=True)
class DailyChart:
    """Two series of numbers as pairs of bars, one pair for each day. The second series is striped."""

    name: str  # unique on the page
    title: str
    labels: tuple[str, str]
    days: Sequence[date]
    first: Sequence[int]
    second: Sequence[int]
    table: Table

    width, height = WIDTH, HEIGHT
    left, right, top_y, bottom_y = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM

    @property
    def top(self) -> int:
        """The number at the top of the vertical axis: a round number, at least the largest."""
        largest = max([1, *self.first, *self.second])
        step = 10 ** (len(str(largest)) - 1)
        return next(step * factor for factor in (1, 2, 5, 10) if step * factor >= largest)

    def bars(self) -> Iterator[Bar]:
        group = (WIDTH - LEFT - RIGHT) / len(self.days)
        width = (group - GAP) / 2
        for position, pair in enumerate(zip(self.first, self.second, strict=True)):
            for style, number in zip(("desk-first", "desk-second"), pair, strict=True):
                if number:
                    height = self._height * number / self.top
                    x = LEFT + position * group + (width if style == "desk-second" else 0)
                    numbers = (x, HEIGHT - BOTTOM - height, width, height)
                    yield Bar(style, *(f"{each:.1f}" for each in numbers))

    def marks(self) -> Iterator[Mark]:
        """Labels: zero and the top on the left; the first day, the middle and the last day below."""
        yield Mark(str(LEFT - 4), str(HEIGHT - BOTTOM), "0")
        yield Mark(str(LEFT - 4), str(TOP + 4), str(self.top))

    def day_marks(self) -> Iterator[Mark]:
        group = (WIDTH - LEFT - RIGHT) / len(self.days)
        last = len(self.days) - 1
        for position in sorted({0, last // 2, last}):
            x = LEFT + (position + 0.5) * group
            yield Mark(f"{x:.1f}", str(HEIGHT - 5), self.days[position].strftime("%m-%d"))

    @property
    def _height(self) -> int:
        return HEIGHT - TOP - BOTTOM

    @property
    def description(self) -> str:
        """The sums of both series, for people who don't see the drawing."""
        values = {
            "first": self.labels[0],
            "first_sum": count(sum(self.first)),
            "second": self.labels[1],
            "second_sum": count(sum(self.second)),
            "number": len(self.days),
        }
        return gettext("%(number)d days. %(first)s: %(first_sum)s. %(second)s: %(second_sum)s.") % values
