"""Search for help articles: full-text search in the article's language, synonyms, and trigram similarity for typos.

Accents make no difference: "reponse" finds "réponse", and the other way too.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add, or_
from typing import Any

from django.conf import settings
from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, ExpressionWrapper, F, FloatField, Func, Q, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Lower

from support.models import ArticleVersion, SearchSynonyms
from support.models.articles import search_configuration
from support.published_articles import published_versions

MAX_CHARACTERS = 200
MAX_WORDS = 8
MAX_RESULTS = 10
# Weights in PostgreSQL's order D, C, B, A: body, summary, keywords, title.
WEIGHTS = [0.1, 0.4, 0.7, 1.0]
# Shorter words have too few trigrams to compare.
MIN_SIMILAR_WORD_LENGTH = 4
# Minimal trigram word similarity. Bodies are longer than titles, so a chance similarity is more likely in them.
MIN_TITLE_SIMILARITY = 0.5
MIN_BODY_SIMILARITY = 0.7
# Added to the score. Rank and similarity are each about 1 for an article that is about a word.
PHRASE_BONUS = 1.0
TITLE_BONUS = 0.5
SYNONYM_BONUS = 0.75
# Results with a smaller share of the best score are dropped: they share only a common word with the query.
MIN_SHARE_OF_BEST_SCORE = 0.15
# Unicode doesn't decompose these letters.
LETTERS_WITHOUT_ACCENTS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ß": "ss", "đ": "d", "ł": "l", "þ": "th"})
COMBINING_ACCENTS = re.compile("[\u0300-\u036f]")


def extract_words(typed: str) -> list[str]:
    """Return up to MAX_WORDS distinct words of letters and digits, in lower case and without accents."""
    found = re.findall(r"[^\W_]+", _without_accents(typed[:MAX_CHARACTERS].lower()))
    return list(dict.fromkeys(found))[:MAX_WORDS]


def search_articles(typed: str, language: str, now: datetime) -> list[ArticleVersion]:
    """Return the published articles that match, best first. Two queries; none if `typed` has no words."""
    words = extract_words(typed)
    if not words:
        return []
    queries = _queries_by_language(words, language)
    results: list[Any] = list(_matching_versions(published_versions(language, now), words, queries)[:MAX_RESULTS])
    return [each for each in results if each.score >= MIN_SHARE_OF_BEST_SCORE * results[0].score]


def _without_accents(text: str) -> str:
    """Do what PostgreSQL's `unaccent` does to the letters of the Latin script."""
    decomposed = unicodedata.normalize("NFD", text.translate(LETTERS_WITHOUT_ACCENTS))
    return unicodedata.normalize("NFC", COMBINING_ACCENTS.sub("", decomposed))


@dataclass(frozen=True)
class _Queries:
    """The full-text queries for one language. `synonyms` is None if the search contains no word with synonyms."""

    any_word: SearchQuery
    phrase: SearchQuery
    phrase_in_title: SearchQuery
    synonyms: SearchQuery | None


def _queries_by_language(words: list[str], language: str) -> dict[str, _Queries]:
    """The queries for the language of the search and for the default language. Makes one query for the synonyms."""
    languages = {language, settings.LANGUAGE_CODE}
    synonyms: dict[str, set[tuple[str, ...]]] = {}
    for synonyms_language, group in SearchSynonyms.objects.filter(language__in=languages).values_list(
        "language", "words"
    ):
        phrases = {tuple(extract_words(phrase)) for phrase in group}
        if any(_contains_phrase(words, phrase) for phrase in phrases):
            synonyms.setdefault(synonyms_language, set()).update(phrases)
    return {each: _build_queries(words, synonyms.get(each, set()), each) for each in languages}


def _build_queries(words: list[str], synonyms: set[tuple[str, ...]], language: str) -> _Queries:
    # The raw queries need no escaping, because words consist of letters and digits only.
    def query(text: str) -> SearchQuery:
        return SearchQuery(text, search_type="raw", config=search_configuration(language))

    forms = (form for word in words for form in (word, *_transpositions(word)))
    alternatives = sorted(synonyms - {tuple(words)})
    return _Queries(
        any_word=query(" | ".join(f"'{form}':*" for form in forms)),
        phrase=query(_phrase(words, "AB")),
        phrase_in_title=query(_phrase(words, "A")),
        synonyms=query(" | ".join(f"({_phrase(each, 'AB')})" for each in alternatives)) if alternatives else None,
    )


def _phrase(words: Sequence[str], weights: str) -> str:
    """A raw query for these words next to each other, in parts with these weights."""
    return " <-> ".join(f"'{word}':{weights}" for word in words)


def _contains_phrase(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the words contain the phrase. Each may have an ending: "renewing" for "renew"."""
    starts = range(len(words) - len(phrase) + 1)
    return bool(phrase) and any(
        all(_is_form_of(word, expected) for word, expected in zip(words[start:], phrase, strict=False))
        for start in starts
    )


def _is_form_of(word: str, expected: str) -> bool:
    return word == expected or (len(expected) >= MIN_SIMILAR_WORD_LENGTH and word.startswith(expected))


def _matching_versions(
    versions: QuerySet[ArticleVersion], words: list[str], queries: dict[str, _Queries]
) -> QuerySet[ArticleVersion]:
    """Filter versions by full text or similarity, and sort them by `score`.

    The score is the sum of text rank, mean similarity, and a bonus if the title or keywords contain the search term or
    a synonym of it.
    """
    long_words = [word for word in words if len(word) >= MIN_SIMILAR_WORD_LENGTH]
    matches = reduce(or_, (Q(language=each, search=query.any_word) for each, query in queries.items()))
    bonuses: list[tuple[float, Q]] = []
    for each, query in queries.items():
        bonuses += [
            (PHRASE_BONUS, Q(language=each, search=query.phrase)),
            (TITLE_BONUS, Q(language=each, search=query.phrase_in_title)),
        ]
        if query.synonyms is not None:
            bonuses.append((SYNONYM_BONUS, Q(language=each, search=query.synonyms)))
            matches |= Q(language=each, search=query.synonyms)
    bonus = reduce(
        add, (Case(When(condition, then=Value(points)), default=Value(0.0)) for points, condition in bonuses)
    )
    rank = Case(
        *(
            When(language=each, then=SearchRank(F("search"), query.any_word, weights=WEIGHTS))
            for each, query in queries.items()
        ),
        default=Value(0.0),
        output_field=FloatField(),
    )
    title = _unaccented(Lower(Concat("title", Value(" "), "keywords", Value(" "), "summary", output_field=TextField())))
    body = _unaccented(Lower("body"))
    similarities: dict[str, TrigramWordSimilarity] = {}
    for number, word in enumerate(long_words):
        similarities |= {
            f"title_{number}": TrigramWordSimilarity(word, title),
            f"body_{number}": TrigramWordSimilarity(word, body),
        }
        matches |= Q(**{f"title_{number}__gte": MIN_TITLE_SIMILARITY})
        matches |= Q(**{f"body_{number}__gte": MIN_BODY_SIMILARITY})
    total_similarity = reduce(add, (F(f"title_{number}") for number in range(len(long_words))), Value(0.0))
    mean_similarity = total_similarity / Value(float(max(len(long_words), 1)))
    score = ExpressionWrapper(rank + mean_similarity + bonus, output_field=FloatField())
    matching = versions.alias(**similarities).filter(matches)
    return matching.annotate(score=score).order_by("-score", "article__position", "pk")


def _unaccented(expression: Combinable) -> Func:
    return Func(expression, function="unaccent", output_field=TextField())


def _transpositions(word: str) -> list[str]:
    """The word with each pair of neighboring letters swapped, a typo that trigrams miss: "serail" for "serial"."""
    if len(word) < MIN_SIMILAR_WORD_LENGTH:
        return []
    swapped = (word[:index] + word[index + 1] + word[index] + word[index + 2 :] for index in range(len(word) - 1))
    return [each for each in swapped if each != word]
