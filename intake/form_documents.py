"""Read notifications that a store sends as forms: bodies as they were posted, one per line, or the same as JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from intake.json_documents import Document, read_documents
from intake.source_file import SourceFile, TextLine

MAX_FIELDS = 5_000  # of one form

_COMMENTS = re.compile(r"(?:\s|\ufeff|(?m:^#[^\n]*$))*")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def first_text(text: str) -> str:
    """The beginning of a file, without blank lines and the comments of a rejects file."""
    return text[_COMMENTS.match(text).end() :]  # type: ignore[union-attr]


def read_form_documents(source: SourceFile) -> Iterator[Document]:
    """Yield each notification with its fields in a dict, as `parse_form` makes it. Lines with `#` are skipped."""
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
    """A line's form. As text it is JSON: in a form, the digits of a card number may have escaped signs between them."""
    if line.problem:
        return Document(line.line, line.text, problem=line.problem)
    try:
        value = parse_form(line.text)
    except ValueError:
        return Document(line.line, line.text, problem=_("This isn’t a form, or it has too many fields."))
    return Document(line.line, json.dumps(value, ensure_ascii=False), value)


def parse_form(body: str) -> dict[str, Any]:
    """Parse a form-encoded body. `a[]=1` is a list, `a[b]=1` a dict, and of a repeated name the first value counts.

    Raises ValueError if it has too many fields.
    """
    text = body.strip().lstrip("\ufeff")
    return _unbracket(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))


def _unbracket(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by their names, with those in brackets as lists and dicts."""
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
