"""Cells that spreadsheets would execute."""

# Spreadsheets execute cells that begin with these. The apostrophe is escaped too, so that unescaping is exact.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")


def escape_formula(cell: str) -> str:
    """Put an apostrophe before a cell that spreadsheets would execute as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell
