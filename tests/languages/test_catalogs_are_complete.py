import re
from html.parser import HTMLParser

import pytest
from babel.messages.plurals import get_plural

from tests.languages.catalogs import TRANSLATED, forms, messages, read_catalog

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
ADDRESS = re.compile(r"https?://\S+|\]\(/[^)]*\)")
# A space before it would let it begin a line of its own.
BREAKABLE = re.compile(r" [?!;:»€]|« | %(?![(])")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(f"<{tag} {sorted(attrs, key=str)}>")

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"</{tag}>")


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    return sorted(parser.found)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_fuzzy(language: str) -> None:
    assert len(messages(language)) > 400
    assert [each.id for each in messages(language) if each.fuzzy or not all(forms(each.string))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_every_placeholder(language: str) -> None:
    for message in messages(language):
        allowed = {holder for text in forms(message.id) for holder in PLACEHOLDER.findall(text)}
        for text in forms(message.string):
            assert set(PLACEHOLDER.findall(text)) <= allowed, message.id
        if isinstance(message.id, str):
            assert set(PLACEHOLDER.findall(str(message.string))) == allowed, message.id
        else:
            assert set(PLACEHOLDER.findall(message.string[-1])) == set(PLACEHOLDER.findall(message.id[-1])), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_tags_and_addresses(language: str) -> None:
    for message in messages(language):
        allowed = [tags(text) for text in forms(message.id)]
        for text in forms(message.string):
            assert tags(text) in allowed, message.id
            assert ADDRESS.findall(text) == ADDRESS.findall(forms(message.id)[-1]), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_begin_and_end_as_the_english_text(language: str) -> None:
    for message in messages(language):
        english = forms(message.id)[0]
        for text in forms(message.string):
            assert (text != text.lstrip(), text != text.rstrip()) == (
                english != english.lstrip(),
                english != english.rstrip(),
            ), message.id
            if re.search(r"\w[.?:…]\s*$", english):
                assert text.rstrip().endswith(english.rstrip()[-1]), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    expected = get_plural(language)
    assert read_catalog(language).num_plurals == expected.num_plurals
    for message in messages(language):
        assert isinstance(message.id, str) or len(message.string) == expected.num_plurals, message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_punctuation_begins_a_line(language: str) -> None:
    assert [each.id for each in messages(language) for text in forms(each.string) if BREAKABLE.search(text)] == []
