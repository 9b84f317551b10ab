"""German: every text translated, none half-done, every placeholder kept, and it compiles."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings

PLACEHOLDER = re.compile(r"%\((\w+)\)")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (Path(settings.LOCALE_PATHS[0]) / "de/LC_MESSAGES/django.po").open("rb") as file:
        return read_po(file, locale="de")


def forms(text: object) -> list[str]:
    return list(text) if isinstance(text, (tuple, list)) else [str(text)]


def texts(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def test_nothing_is_left_untranslated_or_uncertain(catalogue: Catalog) -> None:
    assert texts(catalogue)
    assert [message.id for message in texts(catalogue) if not all(forms(message.string)) or message.fuzzy] == []


def test_every_placeholder_is_kept(catalogue: Catalog) -> None:
    for message in texts(catalogue):
        wanted = set(PLACEHOLDER.findall(forms(message.id)[-1]))
        for form in forms(message.string):
            assert set(PLACEHOLDER.findall(form)) == wanted, message.id


def test_it_compiles(catalogue: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    assert compiled.tell() > 10_000
