"""Stream JSON objects from a file of any size: a single object, a list, or one object per line."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.problems import Problem
from intake.source_file import MAX_RECORD, SourceFile, undecodable_problem

_SEPARATORS = re.compile(r"(?:[\s,\[\]\ufeff]|(?m:^#[^\n]*$))*")
_UNDECODED = re.compile(r"(?<!\\)\\x[89a-f][0-9a-f]")  # how the source represents bytes that it can't decode
_SKIP_TO = re.compile(r"\n(?=[ \t]*\{)")


@dataclass(slots=True)
class Document:
    """One JSON object: its text on one line and its parsed value (fractions as Decimal), or a problem."""

    line: int
    text: str
    value: Any = None
    problem: str | Problem = ""


def read_documents(source: SourceFile) -> Iterator[Document]:
    """Yield every object of the file: from a list, one per line, or a single one. Lines that start with `#` are
    skipped.

    A malformed object is yielded with a problem, and reading continues at the next object with the same indentation.
    """
    decoder = json.JSONDecoder(parse_float=Decimal)
    chunks = source.chunks()
    buffer, line, indent = "", 1, 0
    more = True
    while True:
        begin = _SEPARATORS.match(buffer).end()  # type: ignore[union-attr]
        line += buffer.count("\n", 0, begin)
        before, buffer = buffer[:begin], buffer[begin:]
        if before:
            indent = len(before) - before.rfind("\n") - 1
        if not buffer:
            chunk = next(chunks, "")
            if not chunk:
                break
            # The chunk may end inside a comment: keep its beginning and match it again with the next chunk.
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
            problem: str | Problem = source.truncation_problem or _("This isn’t valid JSON.")
            if _UNDECODED.search(buffer, 0, end):
                problem = undecodable_problem()
            yield Document(line, _one_line(buffer[:end]), problem=problem)
        else:
            if end == len(buffer) and more:  # the value may continue in the next chunk
                chunk = next(chunks, "")
                more = bool(chunk)
                if chunk:
                    buffer += chunk
                    continue
            yield Document(line, _one_line(buffer[:end]), value)
        line += buffer.count("\n", 0, end)
        buffer = buffer[end:]
    if source.truncation_problem and more:
        yield Document(line, "", problem=source.truncation_problem)


def _next_object(buffer: str, indent: int) -> int:
    """Return the position of the next object with the same indentation as the malformed one at the start."""
    for found in _SKIP_TO.finditer(buffer):
        start = found.end()
        if len(buffer[start:]) - len(buffer[start:].lstrip(" \t")) == indent:
            return start
    return len(buffer)


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")) if "\n" in text else text
