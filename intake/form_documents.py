"""Read notifications that a store sends as forms: posted bodies, one per line, or the same fields as JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from intake.json_documents import Document, read_documents
from intake.source_file import SourceFile, TextLine

MAX_FIELDS = 5_000  # fields of one form

_COMMENTS = re.compile(r"(?:\s|\ufeff|(?m:^#[^\n]*$))*")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def first_text(text: str) -> str:
    """The beginning of a file, without blank lines and the comments of a rejects file."""
    return text[_COMMENTS.match(text).end() :]  # type: ignore[union-attr]


def read_form_documents(source: SourceFile) -> Iterator[Document]:
    """Yield each notification as a dict, as returned by `parse_form`. Lines that start with `#` are skipped."""
    if first_text(source.head.text)[:1] in ("{", "["):
        for document in read_documents(source):
            if isinstance(document.value, dict):
                document.value = _unbracket(list(document.value.items()))
            yield document
        return
    for line in source.lines():
        if line.problem or not line.text.lstrip("\ufeff").startswith("#"):
            yield _document(line)


def _document(line: TextLine) -> Document:
    """Return a line's form as JSON text. In a form, the digits of a card number could have escaped characters between
    them.
    """
    if line.problem:
        return Document(line.line, line.text, problem=line.problem)
    try:
        value = parse_form(line.text)
    except ValueError:
        return Document(line.line, line.text, problem=_("This isn’t a form, or it has too many fields."))
    return Document(line.line, json.dumps(value, ensure_ascii=False), value)


def parse_form(body: str) -> dict[str, Any]:
    """Parse a form-encoded body. `a[]=1` is a list, `a[b]=1` a dict. If a name is repeated, the first value is used.

    Raises ValueError if there are too many fields.
    """
    text = body.strip().lstrip("\ufeff")
    return _unbracket(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))


def _unbracket(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields by name, with bracketed names as lists and dicts."""
    values: dict[str, Any] = {}
    for name, value in fields:
        found = _NAME.fullmatch(name)
        inner = _BRACKETS.findall(found[2])[:1] if found else []
        if not found or not inner:
            values.setdefault(name, value)
        elif inner[0] == "" or inner[0].isdigit():
            known = values.setdefault(found[1], [])
            if isinstance(known, list):
                known.extend(value if isinstance(value, list) else [value])
        else:
            known = values.setdefault(found[1], {})
            if isinstance(known, dict):
                known.setdefault(inner[0], value)
    return values
