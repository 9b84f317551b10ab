"""Finds English on a page in another language."""

import re
from functools import cache

from django.utils import translation

from portal.sample_content.help_articles import ARTICLES_FOLDER
from tests.languages.catalogs import FOR_BUYERS_ONLY, forms, messages

# Words that sentences in English hardly do without, and that are no words in another language of the portal.
ENGLISH_WORDS = re.compile(r"\b(the|your|you|with|this|what|are|from|been|which|isn’t|can’t|don’t)\b", re.IGNORECASE)
# English names, which every language keeps.
NAMES = re.compile(r"Extended Download Service", re.IGNORECASE)
# In English on every page: the demo's products and stores, and the brands of cards.
BRANDS = re.compile(
    r"Tarnholt( Security| Store \w+)?|(Maximum|Internet|Premium|Antivirus\+) Security|Antivirus for Mac"
    r"|American Express|Diners Club( International)?|Discover\b|JCB|Apple Pay|Google Pay"
)
ADDRESS = re.compile(r"\S+@\S+|https?:\S+")
WORD = re.compile(r"[^\W\d_]{3,}")


@cache
def _english_texts(language: str) -> list[str]:
    """Texts for buyers of several words that are different in the language."""
    for_buyers = {str(message.id) for message in messages(FOR_BUYERS_ONLY[0])}
    return [
        english
        for message in messages(language)
        if str(message.id) in for_buyers
        for english in forms(message.id)
        if " " in english and "%" not in english and "<" not in english and english not in forms(message.string)
    ]


def _contains(text: str, phrase: str) -> bool:
    """Whether the text has the phrase, and not as a part of longer words."""
    return phrase in text and re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


def find_english(text: str, language: str) -> list[str]:
    """Return what is English in the text of a page or an email. The data on it must not be English."""
    words = NAMES.sub(" ", " ".join(text.split()))
    found = [f"…{words[max(0, hit.start() - 30) : hit.end() + 30]}…" for hit in ENGLISH_WORDS.finditer(words)]
    return [*(phrase for phrase in _english_texts(language) if _contains(words, phrase)), *found]


@cache
def _words_only_of_english(language: str) -> frozenset[str]:
    """Words of the English texts for buyers that no text in the language has. In lower case."""
    for_buyers = {forms(message.id)[0] for message in messages(FOR_BUYERS_ONLY[0])}
    shown = [message for message in messages(language) if forms(message.id)[0] in for_buyers]
    english = [text for message in shown for text in forms(message.id)]
    own = [text for message in shown for text in forms(message.string)]
    articles = {code: [file.read_text() for file in (ARTICLES_FOLDER / code).glob("*.md")] for code in ("en", language)}
    return frozenset(_words([*english, *articles["en"]]) - _words([*own, *articles[language]]))


def _words(texts: list[str]) -> set[str]:
    return {word.lower() for text in texts for word in WORD.findall(text)}


def find_english_words(text: str, language: str) -> list[str]:
    """Return single English words of the text. Stricter than find_english(), so the data must be words of no language.

    Doesn't find words that are also words of the language, such as "service" in French.
    """
    for name in (NAMES, BRANDS, ADDRESS):
        text = name.sub(" ", text)
    return sorted(_words([text]) & _words_only_of_english(language))


def translate(english: str, language: str, count: int | None = None) -> str:
    """Return what the portal says instead of an English text. Fails if it isn't a text of the portal.

    With a `count`, the text is the singular of a text that has a plural.
    """
    ids = [forms(message.id) for message in messages(FOR_BUYERS_ONLY[0])]
    found = next((texts for texts in ids if english == texts[0]), None)
    assert found is not None, english
    with translation.override(language):
        return translation.gettext(english) if count is None else translation.ngettext(*found, count)
