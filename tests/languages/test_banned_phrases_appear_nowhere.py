import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest
from django.conf import settings

from portal.demo.releases_and_devices import GUIDES_FOLDER
from portal.sample_content.answer_templates import ANSWERS_FOLDER
from portal.sample_content.help_articles import ARTICLES_FOLDER
from tests.languages.catalogs import LOCALE, forms, messages

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _name in settings.LANGUAGES]

TAG_OR_COMMENT = re.compile(r"\{#.*?#\}|\{%-?\s*comment\b.*?endcomment\s*-?%\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->", re.S)
TRANSLATED = re.compile(r"\{%-?\s*blocktrans.*?endblocktrans(?:late)?\s*-?%\}", re.S)
SCRIPT_OR_STYLE = re.compile(r"<(script|style)\b.*?</\1>", re.S)
READ_ATTRIBUTE = re.compile(r'\b(?:alt|aria-label|content|placeholder|title)="([^"]*)"')
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
KEYWORDS = re.compile(r"^keywords:.*$", re.M)  # of an article: what people type, in their own words
MARKUP = re.compile(r"<[^>]*>", re.S)


@dataclass(frozen=True)
class BannedPhrases:
    phrases: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def find(self, text: str) -> list[str]:
        """Return the banned phrases in a text, in lower case."""
        words = " ".join(PLACEHOLDER.sub("…", text).split())
        if self.allowed:
            words = self._allowed.sub(" ", words)
        return [match.lower() for match in self._banned.findall(words)]

    @cached_property
    def _banned(self) -> re.Pattern[str]:
        return self._any_of(self.phrases)

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        return self._any_of(self.allowed)

    def _any_of(self, phrases: list[str]) -> re.Pattern[str]:
        longest_first = sorted(phrases, key=len, reverse=True)
        return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.I)


def read_list(language: str) -> BannedPhrases:
    banned = BannedPhrases()
    for line in (LOCALE / ("" if language == "en" else language) / "banned_phrases.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("allowed:"):
            banned.allowed.append(line.removeprefix("allowed:").strip())
        else:
            banned.phrases.append(line.strip())
    return banned


def literal_text(template: str) -> str:
    """Return the text that a template shows without translating it."""
    source = SCRIPT_OR_STYLE.sub(" ", TAG_OR_COMMENT.sub(" ", TRANSLATED.sub(" ", template)))
    return " ".join([*READ_ATTRIBUTE.findall(source), MARKUP.sub(" ", source)])


def texts(language: str) -> Iterator[tuple[str, str]]:
    """Yield all texts of a language for users, each with its place."""
    for message in messages("de" if language == "en" else language):  # the German catalog has all English texts
        for text in forms(message.id if language == "en" else message.string):
            yield f"catalog: {text!r}", text
    if language == "en":
        for path in sorted((ROOT / "templates").rglob("*.html")):
            yield str(path.relative_to(ROOT)), literal_text(path.read_text())
    for path in sorted((ARTICLES_FOLDER / language).glob("*.md")):
        yield str(path.relative_to(ROOT)), KEYWORDS.sub("", path.read_text())
    for folder in (ANSWERS_FOLDER, GUIDES_FOLDER):
        for path in sorted((folder / language).glob("*.md")):
            yield str(path.relative_to(ROOT)), path.read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_contains_a_banned_phrase(language: str) -> None:
    banned = read_list(language)
    found = {where: phrases for where, text in texts(language) if (phrases := banned.find(text))}
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_kind_of_text_is_read(language: str) -> None:
    places = [where for where, _text in texts(language)]
    assert sum(where.startswith("catalog:") for where in places) > 1000
    assert sum(where.endswith(".md") for where in places) > 20
    assert language != "en" or sum(where.endswith(".html") for where in places) > 100


def test_whole_words_are_found_in_any_case_and_across_lines() -> None:
    banned = BannedPhrases(["goes back", "mail"], ["the mail server"])
    assert banned.find("Your money\n  Goes  back tomorrow.") == ["goes back"]
    assert banned.find("Start the mail server.") == []
    assert banned.find("Email us. A mail came.") == ["mail"]


def test_templates_are_read_without_their_code() -> None:
    template = '{# please #}<p title="Mails">{% translate "please" %} Open {{ please }}</p><script>please</script>'
    assert literal_text(template).split() == ["Mails", "Open"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_phrase_is_listed_once(language: str) -> None:
    phrases = [phrase.lower() for phrase in read_list(language).phrases]
    assert [phrase for phrase in phrases if phrases.count(phrase) > 1] == []
