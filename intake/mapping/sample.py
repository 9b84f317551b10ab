"""The first rows of a table, used to guess its columns and to show them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from intake.source_file import SourceFile
from intake.tables import read_table

SAMPLE_ROWS = 20_000  # for words of statuses, and the notation of dates and amounts
JUDGED_VALUES = 1_000  # of a column
SHOWN_VALUES = 3
MAX_COLUMNS = 500  # that can be mapped


@dataclass
class Column:
    """A column with its first non-empty values. `key` is its normalized name."""

    name: str
    key: str
    values: list[str] = field(default_factory=list)


@dataclass
class Sample:
    """The beginning of a table. If columns have the same name, only the first is listed."""

    columns: list[Column]
    rows: list[list[str]]
    positions: dict[str, int]  # by key

    def cells(self, key: str) -> Iterator[str]:
        """Return the cells of a column in the sample, including empty ones."""
        position = self.positions[key]
        return (row[position].strip() for row in self.rows)

    def words(self, key: str) -> list[str]:
        """Return the distinct texts in a column, most frequent first."""
        counts: dict[str, int] = {}
        for cell in self.cells(key):
            if cell:
                counts[cell] = counts.get(cell, 0) + 1
        return sorted(counts, key=lambda word: -counts[word])


def read_sample(source: SourceFile, size: int = SAMPLE_ROWS) -> Sample:
    """Read the first rows of a table, skipping those that can't be read."""
    table = read_table(source)
    header = next(table, None)
    keys = header.cells if header else []
    names = [name.strip() for name in source.head.header][-len(keys) :] if keys else []
    positions: dict[str, int] = {}
    for position, key in enumerate(keys):
        if key:
            positions.setdefault(key, position)
    rows = [row.cells for row in islice(table, size) if not row.problem]
    source.close()
    columns = [Column(names[position], key) for key, position in list(positions.items())[:MAX_COLUMNS]]
    for column in columns:
        position = positions[column.key]
        values = (row[position].strip() for row in rows)
        column.values = list(islice((value for value in values if value), JUDGED_VALUES))
    return Sample(columns, rows, positions)
