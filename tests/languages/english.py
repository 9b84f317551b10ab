"""Finds English on a page in another language."""

import re
from functools import cache

from django.utils import translation

from tests.languages.catalogs import FOR_BUYERS_ONLY, forms, messages

# Words that sentences in English hardly do without, and that are no words in another language of the portal.
ENGLISH_WORDS = re.compile(r"\b(the|your|you|with|this|what|are|from|been|which|isn’t|can’t|don’t)\b", re.IGNORECASE)
# English names, which every language keeps.
NAMES = re.compile(r"Extended Download Service", re.IGNORECASE)


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


def translate(english: str, language: str) -> str:
    """Return what the portal says instead of an English text. Fails if it isn't a text of the portal."""
    with translation.override(language):
        translated = translation.gettext(english)
    assert language == "en" or any(english in forms(message.id) for message in messages(language)), english
    return translated
