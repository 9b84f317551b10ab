"""The rejects file: what was not taken, as it was, with its reason, to be mended and imported again.

JSON goes back line by line, each after a `#` line with its reason. A table keeps its header and gets
a first column with the reasons; every cell that a spreadsheet might take for a formula gets an
apostrophe in front, which reading the file again takes away.
"""

import csv
import json
import os
import stat
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from intake.feed import Feed, RawItem
from intake.source_file import SourceFile, UnusableFile
from intake.tables import PROBLEM_COLUMN, escape_formula
from orders.card_numbers import mask_card_numbers


class RejectsFile:
    """Writes one rejects file, for its owner's eyes only. A second table with other columns gets a file beside it."""

    def __init__(self, path: Path, inputs: list[SourceFile]) -> None:
        self._path = path
        self._files: dict[tuple[str, ...], TextIO] = {}
        if any(path.exists() and path.samefile(source.path) for source in inputs):
            raise UnusableFile(_("%(path)s is to be imported: name another file for the rejects.") % {"path": path})
        self._first = _create(path)
        self.paths = [path]

    def add(self, source: SourceFile, feed: Feed, header: list[str], item: RawItem, reason: str) -> None:
        if isinstance(item.raw, str):
            file = self._file_for(())
            file.write(f"# {source.path.name} {_('line')} {item.line}: {' '.join(reason.split())}\n")
            if text := _masked_json(item.raw, feed.identifiers):
                file.write(f"{text}\n")
            return
        columns = [name for name in header if name.strip() != PROBLEM_COLUMN]
        file = self._file_for(tuple(columns))
        writer = csv.writer(file, delimiter=source.head.delimiter, lineterminator="\n")
        if file.tell() == 0:
            file.write("\ufeff")  # spreadsheets know UTF-8 by it
            writer.writerow([PROBLEM_COLUMN, *map(escape_formula, columns)])
        note = f"{source.path.name} {_('line')} {item.line}: {reason}"
        for row in item.raw or [[]]:
            cells = [
                cell if name.strip().lower() in feed.identifiers else mask_card_numbers(cell)
                for name, cell in zip(columns + [""] * len(row), row, strict=False)
            ]
            writer.writerow([escape_formula(note), *map(escape_formula, cells)])

    def _file_for(self, layout: tuple[str, ...]) -> TextIO:
        if layout not in self._files:
            if not self._files:
                self._files[layout] = self._first
            else:
                path = self._path.with_name(f"{self._path.stem}-{len(self._files) + 1}{self._path.suffix}")
                self._files[layout] = _create(path)
                self.paths.append(path)
        return self._files[layout]

    def close(self) -> None:
        for file in {self._first, *self._files.values()}:
            file.close()


def _create(path: Path) -> TextIO:
    """An empty file that only its owner may read: what is rejected may hold passwords."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise UnusableFile(
            _("The rejects can't be written to %(path)s: %(reason)s.")
            % {"path": path, "reason": error.strerror or error}
        ) from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="", errors="backslashreplace")


def _masked_json(text: str, identifiers: frozenset[str]) -> str:
    """The line as it was, but for card numbers. Identifiers keep their digits, where the line can be read."""
    if mask_card_numbers(text) == text:
        return text
    try:
        return json.dumps(_masked(json.loads(text, parse_float=_Number), identifiers), ensure_ascii=False)
    except (ValueError, RecursionError):
        return mask_card_numbers(text)


class _Number(float):
    """A fraction that is written back as it was read."""

    def __new__(cls, text: str) -> "_Number":
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def _masked(value: Any, identifiers: frozenset[str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {mask_card_numbers(name): _masked(inner, identifiers, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, identifiers, key) for inner in value]
    if key in identifiers:
        return value
    if isinstance(value, str):
        return mask_card_numbers(value)
    if isinstance(value, int) and mask_card_numbers(str(value)) != str(value):
        return mask_card_numbers(str(value))
    return value
