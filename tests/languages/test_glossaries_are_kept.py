import re
from dataclasses import dataclass
from functools import cache

import pytest

from tests.languages.catalogs import FOR_BUYERS_ONLY, LOCALE, forms, messages

ROW = re.compile(r"^\| (?P<english>[^|]+) \| (?P<translation>[^|]+) \| (?P<stems>[^|]*) \|$", re.MULTILINE)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
EXCEPTION = re.compile(r"^- “(?P<english>.+?)”: ", re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """An English term, and how its translations begin: one of the stems is in each text about it."""

    english: re.Pattern[str]
    stems: tuple[str, ...]


@cache
def read_glossary(language: str) -> tuple[list[Term], list[str]]:
    """Return the terms of a glossary, the longest first, and the beginnings of messages that don't use them."""
    text = (LOCALE / language / "GLOSSARY.md").read_text(encoding="utf-8")
    rows = [row for row in ROW.finditer(text) if row["english"] not in ("English", "---")]
    terms = [
        Term(
            re.compile(rf"\b{re.escape(row['english'].strip())}s?\b", re.IGNORECASE),
            tuple(stem.strip().casefold() for stem in row["stems"].split(",")),
        )
        for row in sorted(rows, key=lambda row: -len(row["english"]))
        if row["stems"].strip()
    ]
    return terms, EXCEPTION.findall(text)


@pytest.mark.parametrize("language", FOR_BUYERS_ONLY)
def test_each_term_is_translated_as_the_glossary_says(language: str) -> None:
    terms, exceptions = read_glossary(language)
    wrong = []
    for message in messages(language):
        english, translated = forms(message.id)[-1], forms(message.string)[-1].casefold().replace("\u00ad", "")
        if english.startswith(tuple(exceptions)):
            continue
        english = PLACEHOLDER.sub(" ", english)
        for term in terms:
            # A longer term contains a shorter one: "order number" isn't about "order".
            english, found = term.english.subn("", english)
            if found and not any(stem in translated for stem in term.stems):
                wrong.append((term.stems, forms(message.id)[-1], forms(message.string)[-1]))
    assert wrong == []


@pytest.mark.parametrize("language", FOR_BUYERS_ONLY)
def test_glossaries_have_the_terms_of_the_english_one(language: str) -> None:
    terms = [row.split(" |")[0].removeprefix("| ") for row in english_rows()]
    text = (LOCALE / language / "GLOSSARY.md").read_text(encoding="utf-8")
    assert [term for term in terms if f"| {term} |" not in text] == []


@pytest.mark.parametrize("language", FOR_BUYERS_ONLY)
def test_exceptions_are_messages_that_exist(language: str) -> None:
    english = [form for message in messages(language) for form in forms(message.id)]
    _terms, exceptions = read_glossary(language)
    assert [each for each in exceptions if not any(form.startswith(each) for form in english)] == []


def english_rows() -> list[str]:
    text = (LOCALE / "GLOSSARY.md").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| English", "|---"))]
