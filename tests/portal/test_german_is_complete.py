import re
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.conf import settings

CATALOG = Path(settings.BASE_DIR) / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")


def messages() -> list[Message]:
    with CATALOG.open("rb") as file:
        return [message for message in read_po(file, locale="de") if message.id]


def texts(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def test_every_message_is_translated_and_none_is_fuzzy() -> None:
    assert len(messages()) > 400
    assert [message.id for message in messages() if message.fuzzy or not all(texts(message.string))] == []


def test_translations_keep_every_placeholder() -> None:
    for message in messages():
        allowed = {holder for text in texts(message.id) for holder in PLACEHOLDER.findall(text)}
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) <= allowed, message.id
        if isinstance(message.id, str):
            assert set(PLACEHOLDER.findall(str(message.string))) == allowed, message.id
