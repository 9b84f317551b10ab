"""Read files to import: of any size, compressed or not, in any common encoding, possibly truncated.

Everything is streamed. A malformed row is reported, and the rest of the file is still read.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from intake.compressed_files import GZIP_MAGIC, ZIP_MAGICS, ArchiveError, CompressedReader, open_compressed
from intake.encodings import ENCODINGS, detect_encoding, differing_words, find_encoding
from intake.problems import Problem, ProblemCode

SAMPLE_BYTES = 4 * 1024 * 1024  # read to detect the encoding
CONTAINER_BYTES = 4096  # read to recognize files that aren't text
HEAD_CHARACTERS = 256 * 1024  # read to detect the format
MAX_ROW = 16 * 1024 * 1024  # characters; longer rows are truncated, even in the rejects file
MAX_RECORD = 2 * 1024 * 1024  # characters of one line of JSON
MAX_CELL = 256 * 1024  # characters
MAX_ROW_LINES = 100_000  # lines that one quoted cell may span

CHUNK_BYTES = 256 * 1024  # bytes
# Bytes that could not be decoded, as written by the error handler "surrogateescape".
_UNDECODED = re.compile("[\udc80-\udcff]")
DELIMITERS = ",;\t"

csv.field_size_limit(MAX_ROW)


class UnusableFile(Exception):
    """The file can't be imported at all. The message says why and how to fix it."""


@dataclass(slots=True)
class TextLine:
    """A line of text. `problem` says why it can't be used, or is empty."""

    line: int
    text: str
    problem: str | Problem = ""


@dataclass(slots=True)
class Row:
    """A table row that begins on `line`. `problem` says why it can't be used, or is empty."""

    line: int
    cells: list[str]
    problem: str | Problem = ""


@dataclass(frozen=True)
class Head:
    """The beginning of a file, from which feeds detect their format, and the columns if it is a table."""

    text: str
    delimiter: str
    header: tuple[str, ...]  # the first row's cells

    @cached_property
    def columns(self) -> frozenset[str]:
        return frozenset(column.strip().lower() for column in self.header)


def is_json_text(text: str) -> bool:
    """Whether the beginning of a file is JSON, after the comment lines of a rejects file."""
    start = next((line for line in map(str.lstrip, text.lstrip("\ufeff").splitlines()) if line and line[0] != "#"), "")
    return start.startswith(("{", "["))


class UnclearEncoding(UnusableFile):
    """The letters of the file fit several encodings. `readings` pairs each one with its reading of a word."""

    def __init__(self, text: str, readings: list[tuple[str, str]]) -> None:
        super().__init__(text)
        self.readings = readings


class SourceFile:
    """One file to import. The constructor raises UnusableFile if it can't be read.

    `encoding` was named by a person; without it, the encoding is detected. `name` is used for the file in messages and
    in the history, if that isn't its name on this machine.
    """

    # Only for files on disk; a subclass may read its content from elsewhere.
    _file: BinaryIO | None = None
    _compressed: CompressedReader | None = None
    given_encoding = ""
    is_encoding_named = False

    def __init__(self, path: Path, encoding: str = "", name: str = "") -> None:
        self.path = path
        self.name = name or path.name
        self.label = name or str(path)  # in messages
        self._given_name = name
        try:
            with path.open("rb") as file:
                self.size = path.stat().st_size
                if container := recognize_container(file.read(CONTAINER_BYTES)):
                    raise UnusableFile(
                        _("%(path)s can’t be imported. %(remedy)s") % {"path": self.label, "remedy": container}
                    )
                sample = self._decompressed(file).read(SAMPLE_BYTES)
        except ArchiveError as error:
            raise UnusableFile(
                _("%(path)s can’t be imported. %(remedy)s") % {"path": self.label, "remedy": error}
            ) from None
        except FileNotFoundError:
            raise UnusableFile(_("%(path)s doesn’t exist.") % {"path": self.label}) from None
        except IsADirectoryError:
            raise UnusableFile(_("%(path)s is a folder. Enter the files in it.") % {"path": self.label}) from None
        except PermissionError:
            raise UnusableFile(_("This user has no permission to read %(path)s.") % {"path": self.label}) from None
        except OSError as error:
            raise UnusableFile(
                _("%(path)s can’t be read: %(reason)s.") % {"path": self.label, "reason": error.strerror or error}
            ) from None
        self.is_empty = not sample
        self.given_encoding = encoding
        self.is_encoding_named = bool(encoding)
        container = recognize_container(sample)
        if sample.startswith((*ZIP_MAGICS, GZIP_MAGIC)):
            container = _("It’s an archive inside an archive. Unpack it and import the files in it.")
        elif self.is_empty and self.truncation_problem:
            container = self.truncation_problem
        if container:
            raise UnusableFile(_("%(path)s can’t be imported. %(remedy)s") % {"path": self.label, "remedy": container})
        self.encoding = self._named_encoding(encoding) if encoding else self._detect_encoding(sample)
        self._sample = sample[: HEAD_CHARACTERS * 2]

    def with_encoding(self, encoding: str) -> "SourceFile":
        """The same file, read with another encoding."""
        return SourceFile(self.path, encoding, self._given_name)

    def _named_encoding(self, name: str) -> str:
        if found := find_encoding(name):
            return found
        raise UnusableFile(
            _("The encoding %(name)s isn’t supported. Use one of these: %(known)s.")
            % {"name": name[:40], "known": ", ".join(ENCODINGS)}
        )

    def _detect_encoding(self, sample: bytes) -> str:
        best, *others = detect_encoding(sample, is_whole=len(sample) < SAMPLE_BYTES)
        if others:
            readings = [
                (encoding.replace("cp125", "windows-125"), word)
                for encoding, word in differing_words(sample, [best, *others])
            ]
            raise UnclearEncoding(
                _(
                    "%(path)s isn’t UTF-8 and fits several other encodings. Set the right one with --encoding: "
                    "%(names)s."
                )
                % {"path": self.label, "names": ", ".join(f"{encoding} (“{word}”)" for encoding, word in readings)},
                readings,
            )
        return best

    def _decompressed(self, file: BinaryIO) -> io.BufferedReader:
        """Return the file's bytes, decompressed if its content (not its name) is gzip or a zip archive."""
        self._compressed = open_compressed(file)
        return io.BufferedReader(self._compressed or file, CHUNK_BYTES)  # type: ignore[arg-type]

    @property
    def position(self) -> int:
        """How many of the `size` bytes on disk have been read."""
        return self._file.tell() if self._file and not self._file.closed else 0

    @cached_property
    def head(self) -> Head:
        text = self._sample.decode(self.encoding, errors="replace")[:HEAD_CHARACTERS]
        first = next((line for line in re.split(r"\r\n|\r|\n", text) if line.strip() and line[:4] != "sep="), "")
        delimiter = max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([first], delimiter=delimiter), [])))
        return Head(text, delimiter, tuple(next(csv.reader([first], delimiter=delimiter), [])))

    def _open(self) -> io.TextIOWrapper:
        self._file = self.path.open("rb")
        errors = "replace" if self.encoding.startswith("utf-16") else "surrogateescape"
        return io.TextIOWrapper(self._decompressed(self._file), encoding=self.encoding, errors=errors)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def chunks(self) -> Iterator[str]:
        """Yield the text in chunks, for formats that are not line-based. Undecodable bytes are escaped."""
        text = self._open()
        while chunk := text.read(CHUNK_BYTES):
            yield _printable(chunk)

    def lines(self) -> Iterator[TextLine]:
        """Yield every line that isn't empty. If the file is truncated, the last one has a problem."""
        number = 0
        text = self._open()
        while line := text.readline(MAX_ROW):
            number += 1
            rest = len(line) == MAX_ROW and not line.endswith("\n")
            while rest and (skipped := text.readline(MAX_ROW)):
                rest = len(skipped) == MAX_ROW and not skipped.endswith("\n")
            cut = self.truncation_problem if not line.endswith("\n") else ""
            line = line.rstrip("\n")
            if line.strip():
                yield TextLine(number, _printable(line), cut or _line_problem(line, MAX_RECORD))
            if cut:
                return
        if self.truncation_problem:
            yield TextLine(number + 1, "", self.truncation_problem)

    @property
    def truncation_problem(self) -> str:
        """The reason why the compressed file ended too early, once reading gets there; otherwise empty."""
        return self._compressed.problem if self._compressed else ""

    def rows(self) -> Iterator[Row]:
        """Yield the rows of a table, the header first. Quoted cells may contain line breaks."""
        lines = _PhysicalLines(self._open())
        reader = csv.reader(lines, delimiter=self.head.delimiter)
        while True:
            first_line = lines.begin_row()
            try:
                cells = next(reader)
            except StopIteration:
                break
            except (_UnclosedQuoteError, csv.Error):
                # The csv reader drops the failed row: reject its first line and read the others again.
                yield Row(
                    first_line,
                    [_printable(lines.rewind_to_second_line())],
                    _("A quotation mark opens here and is never closed."),
                )
                continue
            if not any(cells) or (first_line == 1 and len(cells) <= 2 and cells[0].startswith("sep=")):
                continue
            problem = "" if lines.complete else self.truncation_problem
            yield Row(first_line, [_printable(cell) for cell in cells], problem or _cells_problem(cells))
        if self.truncation_problem and lines.complete:
            yield Row(lines.number + 1, [], self.truncation_problem)


class _UnclosedQuoteError(Exception):
    pass


class _PhysicalLines:
    """An iterator of lines for the csv reader that can go back to the second line of the current row."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._pending: list[str] = []
        self._row: list[str] = []
        self._characters = 0
        self.number = 0
        self.complete = True  # whether the last line ended with a newline

    def begin_row(self) -> int:
        """Start a new row and return its line number."""
        self._row = []
        self._characters = 0
        return self.number + 1

    def __iter__(self) -> "_PhysicalLines":
        return self

    def __next__(self) -> str:
        line = self._pending.pop() if self._pending else self._text.readline(MAX_ROW)
        if not line:
            if self._row:
                raise _UnclosedQuoteError
            raise StopIteration
        self._row.append(line)
        self._characters += len(line)
        self.number += 1
        self.complete = line.endswith("\n")
        if self._characters > MAX_ROW or len(self._row) > MAX_ROW_LINES:
            raise _UnclosedQuoteError
        return line

    def rewind_to_second_line(self) -> str:
        """Return the first line of the current row; the others will be read again."""
        first, *rest = self._row
        self._pending.extend(reversed(rest))
        self.number -= len(rest)
        return first.rstrip("\n")


def _printable(text: str) -> str:
    """Escape undecodable bytes as `\\xNN`, so that they can be written to the rejects file."""
    return text if text.isascii() else _UNDECODED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def _line_problem(text: str, max_length: int) -> str | Problem:
    if len(text) > max_length:
        return _("This row is too long: %(length)d characters, at most %(most)d.") % {
            "length": len(text),
            "most": max_length,
        }
    if "\x00" in text:
        return _("This row contains a null byte.")
    if not text.isascii() and _UNDECODED.search(text):
        return undecodable_problem()
    return ""


def undecodable_problem() -> Problem:
    return Problem(
        _(
            "This row contains bytes that aren’t valid in the file’s encoding. Correct the row in the rejects "
            "file, which shows them as \\xNN, or set the file’s encoding with --encoding."
        ),
        ProblemCode.UNDECODABLE,
    )


def _cells_problem(cells: list[str]) -> str | Problem:
    for position, cell in enumerate(cells, start=1):
        if len(cell) > MAX_CELL:
            return _("Cell %(position)d of this row is too long: %(length)d characters, at most %(most)d.") % {
                "position": position,
                "length": len(cell),
                "most": MAX_CELL,
            }
    return _line_problem("".join(cells), MAX_ROW)


# The first bytes of files that contain a table or JSON in another format, or no text at all.
_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = (
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"\x1f\x9d",
)
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_NO_TEXT = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"SQLite format 3\x00", b"PAR1", b"\x7fELF")


def recognize_container(sample: bytes) -> str:
    """Return how to fix a file that isn't text, such as a spreadsheet or an archive; empty for a text file."""
    start = sample.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if sample.startswith(_ZIP) and (b"xl/" in sample[:4096] or b"[Content_Types].xml" in sample[:4096]):
        return _("It’s an Excel file. Export it from the store as CSV, or save it as “CSV UTF-8” in Excel.")
    if sample.startswith(_ZIP) and _ODS in sample[:200]:
        return _("It’s an OpenDocument spreadsheet. Save it as a CSV file in UTF-8.")
    if sample.startswith(_OLD_OFFICE):
        return _("It’s an old Excel file (xls). Save it as “CSV UTF-8” in Excel.")
    if sample.startswith(b"{\\rtf"):
        return _("It’s a text document (RTF). Export the orders from the store as CSV or JSON.")
    if sample.startswith(_PACKED):
        return _("It’s an archive. Unpack it and import the files in it.")
    if sample.startswith(b"%PDF"):
        return _("It’s a PDF. Export the orders from the store as CSV or JSON.")
    if start.startswith((b"<!doctype html", b"<html", b"<table")):
        return _("It’s a web page (HTML), which some stores export instead of a spreadsheet. Save it as CSV.")
    if start.startswith((b"<?xml", b"<!doctype")):
        return _("It’s XML. Export the orders from the store as CSV or JSON.")
    if sample.startswith(_NO_TEXT):
        return _("It isn’t a text file. Export the orders from the store as CSV or JSON.")
    return ""
