"""Tables as feeds want them: rows that fit their header, and as they were before a rejects file."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from intake.source_file import Row, SourceFile

PROBLEM_COLUMN = "Import problem"
# Spreadsheets run what begins so. The apostrophe itself is marked too, so that marks can be told from text.
_MARKED = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")


def escape_formula(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(_MARKED) else cell


def unescape_formula(cell: str) -> str:
    """A cell as it was before `escape_formula`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_MARKED) else cell


def read_table(source: SourceFile) -> Iterator[Row]:
    """The rows of a table; the first is its header, in small letters. The others have as many cells as it.

    Of a rejects file the column with the reasons is left out, and the marks are taken away.
    """
    rows = source.rows()
    header = next(rows, None)
    if header is None:
        return
    mended = bool(header.cells) and header.cells[0].strip() == PROBLEM_COLUMN
    names = [name.strip().lower() for name in (header.cells[1:] if mended else header.cells)]
    yield Row(header.line, names, header.problem)
    for row in rows:
        if mended and not row.problem:
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
