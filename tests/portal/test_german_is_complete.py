"""German says everything that English says: nothing untranslated, nothing in doubt, every place-holder kept."""

import re
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.conf import settings

CATALOG = Path(settings.BASE_DIR) / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACE_HOLDER = re.compile(r"%\(\w+\)[sd]|%%")


def messages() -> list[Message]:
    with CATALOG.open("rb") as file:
        return [message for message in read_po(file, locale="de") if message.id]


def texts(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def test_every_text_is_translated_and_none_is_in_doubt() -> None:
    assert len(messages()) > 400
    assert [message.id for message in messages() if message.fuzzy or not all(texts(message.string))] == []


def test_every_place_holder_is_kept() -> None:
    for message in messages():
        allowed = {holder for text in texts(message.id) for holder in PLACE_HOLDER.findall(text)}
        for text in texts(message.string):
            assert set(PLACE_HOLDER.findall(text)) <= allowed, message.id
        if isinstance(message.id, str):
            assert set(PLACE_HOLDER.findall(str(message.string))) == allowed, message.id
