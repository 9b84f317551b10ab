"""Write the rejects file: rejected items with their reasons, to be corrected and imported again.

JSON is written line by line, each after a `#` line with the reason. A table keeps its header and gets a first column
with the reasons. Cells that a spreadsheet would execute as formulas are escaped with an apostrophe, which the import
removes.
"""

import codecs
import csv
import json
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from intake.feed import RawItem
from intake.formulas import escape_formula
from intake.problems import Problem, ProblemCode
from intake.source_file import SourceFile, UnusableFile
from intake.tables import PROBLEM_COLUMN
from orders.card_numbers import contains_card_number, mask_card_numbers


@dataclass(frozen=True)
class FileLayout:
    """The properties of the imported file that its rejects file repeats."""

    name: str
    header: Sequence[str] = ()  # of a table
    delimiter: str = ","
    identifiers: frozenset[str] = frozenset()  # columns or keys with digits that are never a card number


class RejectsFile:
    """One rejects file, readable by its owner only. Each additional table layout gets a separate numbered file."""

    def __init__(self, path: Path, inputs: Sequence[SourceFile] = ()) -> None:
        self._path = path
        self._files: dict[tuple[str, ...], TextIO] = {}
        self._inputs = [source.path for source in inputs]
        if self._is_input(path):
            raise UnusableFile(_("%(path)s is a file to import. Choose another file for rejects.") % {"path": path})
        if not _is_replaceable(path):
            text = _("%(path)s exists and contains something else than rejects. Choose another file for rejects.")
            raise UnusableFile(text % {"path": path})
        self._first = _create(path)
        self.paths = [path]

    def add(self, layout: FileLayout, item: RawItem, problem: Problem) -> None:
        raw = mask_item(item.raw, layout, problem)
        place = place_in_file(layout.name, item.line)
        if isinstance(raw, str):
            file = self._file_for(())
            file.write(f"# {place}: {' '.join(problem.text.split())}\n")
            if raw:
                file.write(f"{raw}\n")
            return
        columns = _columns(layout)
        file = self._file_for(tuple(columns))
        writer = csv.writer(file, delimiter=layout.delimiter, lineterminator="\n")
        if file.tell() == 0:
            file.write("\ufeff")  # without it, spreadsheets do not detect UTF-8
            writer.writerow([PROBLEM_COLUMN, *map(escape_formula, columns)])
        note = f"{place}: {problem.text}"
        for cells in raw or [[]]:
            writer.writerow([escape_formula(note), *map(escape_formula, cells)])

    def _file_for(self, layout: tuple[str, ...]) -> TextIO:
        if layout not in self._files:
            if not self._files:
                self._files[layout] = self._first
            else:
                path = self._next_path()
                self._files[layout] = _create(path)
                self.paths.append(path)
        return self._files[layout]

    def _next_path(self) -> Path:
        """Return the next numbered path, without overwriting a file to import or one with something else."""
        numbers = count(len(self._files) + 1)
        paths = (self._path.with_name(f"{self._path.stem}-{number}{self._path.suffix}") for number in numbers)
        return next(
            path for path in paths if path not in self.paths and not self._is_input(path) and _is_replaceable(path)
        )

    def _is_input(self, path: Path) -> bool:
        return path.exists() and any(path.samefile(each) for each in self._inputs)

    def close(self) -> None:
        for file in {self._first, *self._files.values()}:
            file.close()


def place_in_file(name: str, line: int) -> str:
    word = _("line")
    return f"{name} {word} {line}"


def mask_item(raw: str | list[list[str]], layout: FileLayout, problem: Problem) -> str | list[list[str]]:
    """Return the content of a rejected item with card numbers masked, except in identifiers."""
    if isinstance(raw, str):
        return _mask_json(raw, layout.identifiers, problem)
    are_identifiers = [name.strip().lower() in layout.identifiers for name in _columns(layout)]
    return [_mask_cells(row, are_identifiers + [False] * len(row), problem) for row in raw]


def _columns(layout: FileLayout) -> list[str]:
    return [name for name in layout.header if name.strip() != PROBLEM_COLUMN]


def _is_replaceable(path: Path) -> bool:
    """Whether a file can be overwritten: it's empty, an earlier rejects file, or can't be lost, such as /dev/null."""
    if not path.is_file():
        return True
    try:
        with path.open("rb") as file:
            begins = file.read(64)
    except OSError:
        return True  # _create() reports it
    table = PROBLEM_COLUMN.encode()
    return not begins or begins.removeprefix(codecs.BOM_UTF8).lstrip(b'"').startswith((b"# ", table))


def _create(path: Path) -> TextIO:
    """Create an empty file that only its owner may read, because rejected orders may contain passwords."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise UnusableFile(
            _("Rejects can’t be written to %(path)s: %(reason)s.") % {"path": path, "reason": error.strerror or error}
        ) from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="", errors="backslashreplace")


def _mask_cells(row: list[str], are_identifiers: list[bool], problem: Problem) -> list[str]:
    """Mask card numbers in the cells of a row, except in identifiers."""

    def change_others(change: Callable[[str], str], cells: list[str]) -> list[str]:
        pairs = zip(cells, are_identifiers, strict=False)
        return [cell if is_identifier else change(cell) for cell, is_identifier in pairs]

    masked = change_others(mask_card_numbers, row)
    others = [cell for cell, is_identifier in zip(masked, are_identifiers, strict=False) if not is_identifier]
    return change_others(_hide_digits, masked) if _is_still_in(others, problem) else masked


def _is_still_in(texts: list[str], problem: Problem) -> bool:
    """Whether a card number is split across several texts, such as the lines of an address."""
    return problem.code == ProblemCode.CARD_NUMBER and contains_card_number("\n".join(texts))


def _hide_digits(text: str) -> str:
    return "".join("•" if character.isnumeric() else character for character in text)


def _mask_json(text: str, identifiers: frozenset[str], problem: Problem) -> str:
    """Mask card numbers in a line of JSON, except in identifiers if the line can be parsed."""
    try:
        value = json.loads(text, parse_float=_VerbatimNumber)
        masked = _map_texts(value, identifiers, mask_card_numbers)
        texts: list[str] = []
        _map_texts(masked, identifiers, lambda each: texts.append(each) or each)  # type: ignore[func-returns-value]
        if _is_still_in(texts, problem):
            masked = _map_texts(masked, identifiers, _hide_digits)
        return text if masked == value else json.dumps(masked, ensure_ascii=False)
    except (ValueError, RecursionError):
        return mask_card_numbers(text)


class _VerbatimNumber(float):
    """A number that is serialized as it was written."""

    def __new__(cls, text: str) -> "_VerbatimNumber":
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def _map_texts(value: Any, identifiers: frozenset[str], change: Callable[[str], str], key: str = "") -> Any:
    """Change the strings and numbers of a JSON value, except identifiers. A changed number becomes a string."""
    if isinstance(value, dict):
        return {mask_card_numbers(name): _map_texts(inner, identifiers, change, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_map_texts(inner, identifiers, change, key) for inner in value]
    if key in identifiers or value is None or isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else repr(value)
    changed = change(text)
    return value if changed == text else changed
