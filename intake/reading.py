"""Files as stores and people leave them: huge, compressed, in any of the usual encodings, cut short.

Everything is streamed. A bad spot costs its row, never the file.
"""

import codecs
import contextlib
import csv
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

SAMPLE_BYTES = 4 * 1024 * 1024  # decides the encoding
HEAD_CHARACTERS = 256 * 1024  # decides the format
MAX_ROW = 16 * 1024 * 1024  # characters; more is not even kept for the rejects
MAX_RECORD = 2 * 1024 * 1024  # characters of one line of JSON
MAX_CELL = 256 * 1024  # characters
MAX_ROW_LINES = 100_000  # lines that one quoted cell may span

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 256 * 1024  # bytes
# How bytes that are no text show in what was decoded (the codec's "surrogateescape").
_UNDECODED = re.compile("[\udc80-\udcff]")
DELIMITERS = ",;\t"

csv.field_size_limit(MAX_ROW)


class UnusableFile(Exception):
    """This file can't be read at all; says why and what to do."""


@dataclass(slots=True)
class Text:
    """A line, or a part of a JSON document. `problem` says why it can't be taken, or is empty."""

    line: int
    text: str
    problem: str = ""


@dataclass(slots=True)
class Row:
    """A row of cells that begins on `line`. `problem` says why it can't be taken, or is empty."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class Head:
    """What the formats are told by: the beginning of the file, and its columns where it is a table."""

    text: str
    delimiter: str
    header: tuple[str, ...]  # the first row's cells

    @cached_property
    def columns(self) -> frozenset[str]:
        return frozenset(column.strip().lower() for column in self.header)


class _Inflating(io.RawIOBase):
    """Decompresses gzip, of several members too. Where the file is cut, what came before is kept."""

    def __init__(self, compressed: BinaryIO) -> None:
        self._compressed = compressed
        self._left = b""
        self._member: zlib._Decompress | None = None
        self.problem = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.problem:
            chunk = self._left or self._compressed.read(CHUNK)
            if self._member is None:
                if not chunk:
                    return 0
                chunk = chunk.lstrip(b"\x00")  # padding between members
                if not chunk:
                    continue
                self._member = zlib.decompressobj(wbits=31)
            before = self._member.copy()
            try:
                inflated = self._member.decompress(chunk, len(buffer))
            except zlib.error:
                self.problem = _("The compressed file is damaged; what follows here is missing.")
                inflated = _salvage(before, chunk, len(buffer))
                buffer[: len(inflated)] = inflated
                return len(inflated)
            if self._member.eof:
                self._left = self._member.unused_data
                self._member = None
            else:
                self._left = self._member.unconsumed_tail
            if inflated:
                buffer[: len(inflated)] = inflated
                return len(inflated)
            if not chunk and self._member is not None:
                self.problem = _("The compressed file ends too early; what follows here is missing.")
        return 0


def _salvage(member: "zlib._Decompress", chunk: bytes, most: int) -> bytes:
    """What a damaged chunk holds before its damage."""
    saved = bytearray()
    with contextlib.suppress(zlib.error):
        for position in range(len(chunk)):
            saved += member.decompress(chunk[position : position + 1], most - len(saved))
            if len(saved) == most:
                break
    return bytes(saved)


class SourceFile:
    """One file to import. Open it once to be told what is wrong with it; then read it once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._inflating: _Inflating | None = None
        try:
            with path.open("rb") as file:
                self.size = path.stat().st_size
                sample = self._plain(file).read(SAMPLE_BYTES)
        except FileNotFoundError:
            raise UnusableFile(_("%(path)s does not exist.") % {"path": path}) from None
        except IsADirectoryError:
            raise UnusableFile(_("%(path)s is a folder. Name the files in it.") % {"path": path}) from None
        except PermissionError:
            raise UnusableFile(_("%(path)s may not be read by this user.") % {"path": path}) from None
        except OSError as error:
            raise UnusableFile(
                _("%(path)s can't be read: %(reason)s.") % {"path": path, "reason": error.strerror or error}
            ) from None
        self.is_empty = not sample
        self.encoding = _encoding(sample)
        self._sample = sample[: HEAD_CHARACTERS * 2]

    def _plain(self, file: BinaryIO) -> io.BufferedReader:
        """The file's own bytes, decompressed where they are compressed (told by content, not by name)."""
        magic = file.read(2)
        file.seek(0)
        if magic == GZIP_MAGIC:
            self._inflating = _Inflating(file)
            return io.BufferedReader(self._inflating, CHUNK)
        return io.BufferedReader(file, CHUNK)  # type: ignore[arg-type]

    @property
    def position(self) -> int:
        """How many of `size` bytes have been read."""
        return self._file.tell() if self._file and not self._file.closed else 0

    @cached_property
    def head(self) -> Head:
        text = self._sample.decode(self.encoding, errors="replace")[:HEAD_CHARACTERS]
        first = next((line for line in re.split(r"\r\n|\r|\n", text) if line.strip() and line[:4] != "sep="), "")
        delimiter = max(DELIMITERS, key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))
        return Head(text, delimiter, tuple(next(csv.reader([first], delimiter=delimiter), [])))

    def _open(self) -> io.TextIOWrapper:
        self._file = self.path.open("rb")
        errors = "replace" if self.encoding.startswith("utf-16") else "surrogateescape"
        return io.TextIOWrapper(self._plain(self._file), encoding=self.encoding, errors=errors)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def chunks(self) -> Iterator[str]:
        """The text as it comes, for formats whose parts are not lines. Undecoded bytes are written out."""
        text = self._open()
        while chunk := text.read(CHUNK):
            yield _printable(chunk)

    def lines(self) -> Iterator[Text]:
        """Every line that is not empty; the last one is told where the file is cut."""
        number = 0
        text = self._open()
        while line := text.readline(MAX_ROW):
            number += 1
            rest = len(line) == MAX_ROW and not line.endswith("\n")
            while rest and (skipped := text.readline(MAX_ROW)):
                rest = len(skipped) == MAX_ROW and not skipped.endswith("\n")
            cut = self.cut_problem if not line.endswith("\n") else ""
            line = line.rstrip("\n")
            if line.strip():
                yield Text(number, _printable(line), cut or _line_problem(line, MAX_RECORD))
            if cut:
                return
        if self.cut_problem:
            yield Text(number + 1, "", self.cut_problem)

    @property
    def cut_problem(self) -> str:
        """Why the file ends before its end, once that was met."""
        return self._inflating.problem if self._inflating else ""

    def rows(self) -> Iterator[Row]:
        """The rows of a table; the first is its header. Quoted cells may hold line breaks."""
        lines = _PhysicalLines(self._open())
        reader = csv.reader(lines, delimiter=self.head.delimiter)
        while True:
            begins = lines.begin_row()
            try:
                cells = next(reader)
            except StopIteration:
                break
            except (_NeverClosed, csv.Error):
                # The reader forgets a row that failed; the lines after the first are read again.
                yield Row(begins, [_printable(lines.give_back())], _("A quote opens here and is never closed."))
                continue
            if not any(cells) or (begins == 1 and len(cells) <= 2 and cells[0].startswith("sep=")):
                continue
            problem = "" if lines.complete else self.cut_problem
            yield Row(begins, [_printable(cell) for cell in cells], problem or _cells_problem(cells))
        if self.cut_problem and lines.complete:
            yield Row(lines.number + 1, [], self.cut_problem)


class _NeverClosed(Exception):
    pass


class _PhysicalLines:
    """Feeds the csv reader line by line, and can go back to the line after a row's first."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: list[str] = []
        self._row: list[str] = []
        self._characters = 0
        self.number = 0
        self.complete = True  # whether the last line ended as lines end

    def begin_row(self) -> int:
        """Where the next row begins."""
        self._row = []
        self._characters = 0
        return self.number + 1

    def __iter__(self) -> "_PhysicalLines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._text.readline(MAX_ROW)
        if not line:
            if self._row:
                raise _NeverClosed
            raise StopIteration
        self._row.append(line)
        self._characters += len(line)
        self.number += 1
        self.complete = line.endswith("\n")
        if self._characters > MAX_ROW or len(self._row) > MAX_ROW_LINES:
            raise _NeverClosed
        return line

    def give_back(self) -> str:
        """The row's first line; the others are read again."""
        first, *rest = self._row
        self._again.extend(reversed(rest))
        self.number -= len(rest)
        return first.rstrip("\n")


def _printable(text: str) -> str:
    """Undecoded bytes as they would be written down, so that they can be kept in the rejects."""
    return text if text.isascii() else _UNDECODED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def _line_problem(text: str, longest: int) -> str:
    if len(text) > longest:
        return _("This row is too long: %(length)d characters, at most %(most)d.") % {
            "length": len(text),
            "most": longest,
        }
    if "\x00" in text:
        return _("A null byte stands in this row.")
    if not text.isascii() and _UNDECODED.search(text):
        return _("This row holds bytes that are not in the file's encoding.")
    return ""


def _cells_problem(cells: list[str]) -> str:
    for position, cell in enumerate(cells, start=1):
        if len(cell) > MAX_CELL:
            return _("Cell %(position)d of this row is too long: %(length)d characters, at most %(most)d.") % {
                "position": position,
                "length": len(cell),
                "most": MAX_CELL,
            }
    return _line_problem("".join(cells), MAX_ROW)


def _encoding(sample: bytes) -> str:
    """UTF-16 and UTF-8 by their marks, UTF-8 where it is valid, else Windows-1252."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if not sample.startswith(codecs.BOM_UTF8):
        # Latin text in UTF-16 has a null byte in every second place.
        if sample[1:400:2] and not any(sample[1:400:2]):
            return "utf-16-le"
        if sample[:400:2] and not any(sample[:400:2]):
            return "utf-16-be"
        try:
            codecs.getincrementaldecoder("utf-8")().decode(sample)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"
