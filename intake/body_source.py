"""Read the body of a request from a store as if it were a file, without writing it to disk."""

import io
from pathlib import Path

from intake.source_file import HEAD_CHARACTERS, SourceFile


class BodySource(SourceFile):
    """A UTF-8 body in memory. It is never decompressed, so it can't grow beyond the size that was received."""

    def __init__(self, name: str, body: bytes) -> None:
        self.path = Path(name)
        self.name = self.label = name
        self.size = len(body)
        self.is_empty = not body
        self.encoding = "utf-8-sig" if body.startswith(b"\xef\xbb\xbf") else "utf-8"
        self._body = body
        self._sample = body[: HEAD_CHARACTERS * 2]

    @property
    def position(self) -> int:
        return self.size

    def _open(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self._body), encoding=self.encoding, errors="surrogateescape")
