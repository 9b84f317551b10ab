"""Read tables for feeds: rows as wide as their header, without the additions of a rejects file."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from intake.source_file import Row, SourceFile

PROBLEM_COLUMN = "Import problem"
# Spreadsheets execute cells that begin with these. The apostrophe is escaped too, so that unescaping is exact.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")


def escape_formula(cell: str) -> str:
    """Put an apostrophe before a cell that spreadsheets would execute as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def read_table(source: SourceFile) -> Iterator[Row]:
    """Yield the rows of a table: first the header, in lower case, then rows with as many cells.

    Of a rejects file, the column with the problems is dropped and formulas are unescaped.
    """
    rows = source.rows()
    header = next(rows, None)
    if header is None:
        return
    is_rejects_file = bool(header.cells) and header.cells[0].strip() == PROBLEM_COLUMN
    names = [name.strip().lower() for name in (header.cells[1:] if is_rejects_file else header.cells)]
    yield Row(header.line, names, header.problem)
    for row in rows:
        if is_rejects_file and not row.problem:
            row.cells = [unescape_formula(cell) for cell in row.cells[1:]]
        if not row.problem:
            _check_width(row, len(names))
        yield row


def _check_width(row: Row, width: int) -> None:
    """Leave out empty cells beyond the header's. A row with more or fewer is told: its cells are out of place."""
    while len(row.cells) > width and not row.cells[-1].strip():
        row.cells.pop()
    if len(row.cells) != width:
        row.problem = _("This row has %(count)d cells, and the header has %(width)d.") % {
            "count": len(row.cells),
            "width": width,
        }
