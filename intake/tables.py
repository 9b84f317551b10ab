"""Read tables for feeds: rows as wide as their header, without the additions of a rejects file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from intake.formulas import unescape_formula
from intake.problems import Problem, ProblemCode
from intake.source_file import Row, SourceFile
from intake.values import is_spreadsheet_damage

PROBLEM_COLUMN = "Import problem"
_FLOAT = re.compile(r"[0-9]{3,}[.,]0")  # a whole number that a program stored as a decimal number
# The number of digits in postcodes that may begin with a zero, by country. Spreadsheets drop the zero.
_POSTCODE_DIGITS = {
    **dict.fromkeys(("DE", "EE", "ES", "FI", "FR", "IT", "KR", "MX", "MY", "PR", "TR", "UA", "US"), 5),
    **dict.fromkeys(("AU", "DK", "NO", "NZ", "ZA"), 4),
    **dict.fromkeys(("RO", "SG"), 6),
}


@dataclass(frozen=True)
class ExactColumns:
    """The columns of a table whose text a spreadsheet may damage: order numbers, SKUs, references, postcodes.

    All are in lower case. `postcodes` pairs postcode columns with the columns of their country codes.
    """

    texts: frozenset[str] = frozenset()
    postcodes: tuple[tuple[str, str], ...] = ()


NO_EXACT_COLUMNS = ExactColumns()


def read_table(source: SourceFile, exact: ExactColumns = NO_EXACT_COLUMNS) -> Iterator[Row]:
    """Yield the rows of a table: first the header, in lower case, then rows with the same number of cells.

    For a rejects file, the column with the problems is dropped and formulas are unescaped. Rows get a problem if their
    `exact` columns were damaged by a spreadsheet.
    """
    rows = source.rows()
    header = next(rows, None)
    if header is None:
        return
    is_rejects_file = bool(header.cells) and header.cells[0].strip() == PROBLEM_COLUMN
    names = [name.strip().lower() for name in (header.cells[1:] if is_rejects_file else header.cells)]
    yield Row(header.line, names, header.problem)
    texts = [(names.index(name), name) for name in sorted(exact.texts) if name in names]
    postcodes = [
        (names.index(postcode), names.index(country))
        for postcode, country in exact.postcodes
        if postcode in names and country in names
    ]
    for row in rows:
        if is_rejects_file and not row.problem:
            row.cells = [unescape_formula(cell) for cell in row.cells[1:]]
        if not row.problem:
            _check_width(row, len(names))
        if not row.problem:
            _check_exact(row, texts, postcodes)
        yield row


def _check_width(row: Row, width: int) -> None:
    """Drop empty cells beyond the header's width. A row with any other width gets a problem: its cells are shifted."""
    while len(row.cells) > width and not row.cells[-1].strip():
        row.cells.pop()
    if len(row.cells) != width:
        row.problem = _("This row has %(count)d cells, but the header has %(width)d.") % {
            "count": len(row.cells),
            "width": width,
        }


def _check_exact(row: Row, texts: list[tuple[int, str]], postcodes: list[tuple[int, int]]) -> None:
    for index, name in texts:
        cell = row.cells[index]
        if cell and (is_spreadsheet_damage(cell) or _FLOAT.fullmatch(cell)):
            row.problem = _damage(_("“%(text)s” in the column “%(column)s”"), cell, name)
            return
    for index, country_index in postcodes:
        postcode, digits = row.cells[index].strip(), _POSTCODE_DIGITS.get(row.cells[country_index].strip().upper(), 0)
        if postcode.isdigit() and digits - 3 < len(postcode) < digits:
            row.problem = _damage(_("The postcode “%(text)s” without its leading zeros"), postcode, "")
            return


def _damage(what: str, text: str, column: str) -> Problem:
    sentence = _(
        "%(what)s was changed by a spreadsheet. Export the file from the store again without saving it in a "
        "spreadsheet, or format the column as text and type the value again."
    )
    return Problem(
        sentence % {"what": what % {"text": text.strip()[:40], "column": column}},
        ProblemCode.SPREADSHEET_DAMAGE,
        text.strip()[:40],
    )
