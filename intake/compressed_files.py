"""Decompress files while they are read: gzip files, and zip archives with one file in them.

Nothing is written to disk, and memory use is constant. Files that expand excessively are truncated.
"""

import contextlib
import io
import os
import zipfile
import zlib
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
CHUNK_BYTES = 256 * 1024
# Tables usually compress to a tenth, or a fiftieth if they are repetitive. A large file that expands more is an attack.
MAX_RATIO = 250
UNBOUNDED_BYTES = 256 * 1024 * 1024  # files up to this size may have any ratio
MEMBER_BYTES = 64 * 1024  # read at a time: the amount of data before a damaged block that is lost
MAX_MEMBERS = 10_000  # of an archive


class ArchiveError(Exception):
    """An archive can't be read. The message says what to do."""


class CompressedReader(io.RawIOBase):
    """Reads a compressed file. If the file is damaged or expands excessively, reading ends early and `problem` says
    why.
    """

    def __init__(self, compressed: BinaryIO) -> None:
        self._compressed = compressed
        self._size = os.fstat(compressed.fileno()).st_size
        self._expanded = 0
        self.problem = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._read(buffer)
        self._expanded += count
        if self._expanded > UNBOUNDED_BYTES and self._expanded > MAX_RATIO * self._size:
            self.problem = _("The compressed file is too large when unpacked. Everything after this line was skipped.")
            return 0
        return count

    def _read(self, buffer: Any) -> int:
        raise NotImplementedError


def open_compressed(file: BinaryIO) -> CompressedReader | None:
    """Return a reader for a compressed file, detected by its content, or None. Raises ArchiveError."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return GzipReader(file)
    if magic in ZIP_MAGICS:
        return ZipReader(file)
    return None


class GzipReader(CompressedReader):
    """Decompresses gzip files with one or more members. Everything before a damaged block is returned."""

    def __init__(self, compressed: BinaryIO) -> None:
        super().__init__(compressed)
        self._unread = b""
        self._member: zlib._Decompress | None = None

    def _read(self, buffer: Any) -> int:
        while not self.problem:
            chunk = self._unread or self._compressed.read(CHUNK_BYTES)
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
                self.problem = _("The compressed file is damaged. Everything after this line is missing.")
                inflated = _salvage(before, chunk, len(buffer))
                buffer[: len(inflated)] = inflated
                return len(inflated)
            if self._member.eof:
                self._unread = self._member.unused_data
                self._member = None
            else:
                self._unread = self._member.unconsumed_tail
            if inflated:
                buffer[: len(inflated)] = inflated
                return len(inflated)
            if not chunk and self._member is not None:
                self.problem = _("The compressed file is incomplete. Everything after this line is missing.")
        return 0


def _salvage(member: "zlib._Decompress", chunk: bytes, max_bytes: int) -> bytes:
    """Decompress a damaged chunk byte by byte, up to the damage."""
    saved = bytearray()
    with contextlib.suppress(zlib.error):
        for position in range(len(chunk)):
            saved += member.decompress(chunk[position : position + 1], max_bytes - len(saved))
            if len(saved) == max_bytes:
                break
    return bytes(saved)


class ZipReader(CompressedReader):
    """Reads the only file in a zip archive. The constructor raises ArchiveError if there is none or more than one."""

    def __init__(self, compressed: BinaryIO) -> None:
        super().__init__(compressed)
        try:
            archive = zipfile.ZipFile(compressed)
            members = [member for member in archive.infolist() if _is_content(member)]
            if len(members) != 1 or len(archive.infolist()) > MAX_MEMBERS:
                raise ArchiveError(_describe_members(members))
            [member] = members
            if member.flag_bits & 1:
                raise ArchiveError(_("It’s an archive with a password. Unpack it and import the file in it."))
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Python's readers of other compression methods have no limit on the output size.
                raise ArchiveError(_("It’s an archive in an unsupported format. Unpack it and import the file in it."))
            self._member = archive.open(member)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
            raise ArchiveError(_("It’s a damaged archive. Export or pack the file again.")) from error

    def _read(self, buffer: Any) -> int:
        if self.problem:
            return 0
        try:
            content = self._member.read(min(len(buffer), MEMBER_BYTES))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            self.problem = _("The compressed file is damaged. Everything after this line is missing.")
            return 0
        buffer[: len(content)] = content
        return len(content)


def _is_content(member: zipfile.ZipInfo) -> bool:
    """Whether this is a packed file, and not metadata that macOS adds for each file."""
    name = member.filename.rpartition("/")[2]
    return not (member.is_dir() or member.filename.startswith("__MACOSX/") or name == ".DS_Store")


def _describe_members(members: list[zipfile.ZipInfo]) -> str:
    if not members:
        return _("It’s an archive with no files in it.")
    if any(member.filename in ("[Content_Types].xml", "mimetype") for member in members):
        return _("It’s a document or spreadsheet. Save it as CSV in UTF-8.")
    return _("It’s an archive with %(count)d files. Unpack it and import them one by one.") % {"count": len(members)}
