"""JSON as APIs and webhooks hand it out: one object, a list of them, or one a line; of any size."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.reading import MAX_RECORD, SourceFile

_FILLING = re.compile(r"(?:[\s,\[\]\ufeff]|(?m:^#[^\n]*$))*")
_SKIP_TO = re.compile(r"\n(?=[ \t]*\{)")


@dataclass(slots=True)
class Document:
    """One object: its text on one line, and what it says (fractions as Decimal). Or a problem."""

    line: int
    text: str
    value: Any = None
    problem: str = ""


def read_documents(source: SourceFile) -> Iterator[Document]:
    """Every object of the file, whether they stand in a list, a line each or alone. `#` lines are left out.

    A broken object costs itself: reading goes on at the next line that begins one as deep.
    """
    decoder = json.JSONDecoder(parse_float=Decimal)
    chunks = source.chunks()
    buffer, line, indent = "", 1, 0
    more = True
    while True:
        begin = _FILLING.match(buffer).end()  # type: ignore[union-attr]
        line += buffer.count("\n", 0, begin)
        before, buffer = buffer[:begin], buffer[begin:]
        if before:
            indent = len(before) - before.rfind("\n") - 1
        if not buffer:
            chunk = next(chunks, "")
            if not chunk:
                break
            # A comment may be cut by the chunk's end: it is matched again as a whole.
            rest = before[before.rfind("\n") + 1 :]
            buffer = rest + chunk
            continue
        try:
            value, end = decoder.raw_decode(buffer)
        except (ValueError, RecursionError):
            if more and len(buffer) <= MAX_RECORD:
                chunk = next(chunks, "")
                more = bool(chunk)
                buffer += chunk
                continue
            end = _next_object(buffer, indent)
            yield Document(line, _one_line(buffer[:end]), problem=source.cut_problem or _("This is not whole JSON."))
        else:
            if end == len(buffer) and more:  # a chunk's end, perhaps, and not the value's
                chunk = next(chunks, "")
                more = bool(chunk)
                if chunk:
                    buffer += chunk
                    continue
            yield Document(line, _one_line(buffer[:end]), value)
        line += buffer.count("\n", 0, end)
        buffer = buffer[end:]
    if source.cut_problem and more:
        yield Document(line, "", problem=source.cut_problem)


def _next_object(buffer: str, indent: int) -> int:
    """Where the next object begins that stands as deep as the broken one at the buffer's start."""
    for found in _SKIP_TO.finditer(buffer):
        start = found.end()
        if len(buffer[start:]) - len(buffer[start:].lstrip(" \t")) == indent:
            return start
    return len(buffer)


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")) if "\n" in text else text
