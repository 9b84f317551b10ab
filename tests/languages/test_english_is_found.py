"""What the tests of pages rely on: English is found, and names aren't taken for it."""

import pytest

from tests.languages.catalogs import TRANSLATED
from tests.languages.english import find_english, find_english_words, translate

NAMES = "Maximum Security, Tarnholt Store Europe, Extended Download Service, American Express, ann@example.com"


@pytest.mark.parametrize("language", TRANSLATED)
def test_texts_and_single_words_are_found(language: str) -> None:
    assert "Find my order" in find_english("A-1001. Find my order", language)
    assert find_english_words("A-1001 Waiting", language) == ["waiting"]


@pytest.mark.parametrize("language", TRANSLATED)
def test_names_and_texts_of_the_language_are_not_found(language: str) -> None:
    text = f"{NAMES}: {translate('Find my order', language)}"
    assert find_english(text, language) == find_english_words(text, language) == []


def test_only_texts_of_the_portal_are_translated() -> None:
    assert translate("Covers %(devices)s device", "de", count=3) == "Gilt für %(devices)s Geräte"
    with pytest.raises(AssertionError, match="No text of it"):
        translate("No text of it", "de")
