"""Search for help articles: full-text search in the article's language, and trigram similarity for typos."""

import re
from datetime import datetime
from functools import reduce
from operator import add, or_
from typing import Any

from django.conf import settings
from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, ExpressionWrapper, F, FloatField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat, Lower

from support.models import ArticleVersion
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
# Results with a smaller share of the best score are dropped: they only share a common word with the query.
MIN_SHARE_OF_BEST_SCORE = 0.15


def extract_words(typed: str) -> list[str]:
    """Return up to MAX_WORDS different words of letters and digits, in lower case."""
    found = re.findall(r"[^\W_]+", typed[:MAX_CHARACTERS].lower())
    return list(dict.fromkeys(found))[:MAX_WORDS]


def search_articles(typed: str, language: str, now: datetime) -> list[ArticleVersion]:
    """Return the published articles that match, best first. One query; none if `typed` has no words."""
    words = extract_words(typed)
    if not words:
        return []
    results: list[Any] = list(_matching_versions(published_versions(language, now), words, language)[:MAX_RESULTS])
    return [each for each in results if each.score >= MIN_SHARE_OF_BEST_SCORE * results[0].score]


def _matching_versions(versions: QuerySet[ArticleVersion], words: list[str], language: str) -> QuerySet[ArticleVersion]:
    """Filter versions by full text or similarity, and order them by `score`: text rank plus mean similarity."""
    long_words = [word for word in words if len(word) >= MIN_SIMILAR_WORD_LENGTH]
    queries = {each: _full_text_query(words, each) for each in {language, settings.LANGUAGE_CODE}}
    matches = reduce(or_, (Q(language=each, search=query) for each, query in queries.items()))
    rank = Case(
        *(When(language=each, then=SearchRank(F("search"), query, weights=WEIGHTS)) for each, query in queries.items()),
        default=Value(0.0),
        output_field=FloatField(),
    )
    title = Lower(Concat("title", Value(" "), "keywords", Value(" "), "summary", output_field=TextField()))
    similarities: dict[str, TrigramWordSimilarity] = {}
    for number, word in enumerate(long_words):
        similarities |= {
            f"title_{number}": TrigramWordSimilarity(word, title),
            f"body_{number}": TrigramWordSimilarity(word, Lower("body")),
        }
        matches |= Q(**{f"title_{number}__gte": MIN_TITLE_SIMILARITY})
        matches |= Q(**{f"body_{number}__gte": MIN_BODY_SIMILARITY})
    total_similarity = reduce(add, (F(f"title_{number}") for number in range(len(long_words))), Value(0.0))
    mean_similarity = total_similarity / Value(float(max(len(long_words), 1)))
    score = ExpressionWrapper(rank + mean_similarity, output_field=FloatField())
    matching = versions.alias(**similarities).filter(matches)
    return matching.annotate(score=score).order_by("-score", "article__position", "pk")


def _full_text_query(words: list[str], language: str) -> SearchQuery:
    """A query for texts with any word that starts with one of `words` or of their transpositions."""
    alternatives = (f"'{form}':*" for word in words for form in (word, *_transpositions(word)))
    # The raw query needs no escaping, because words consist of letters and digits only.
    return SearchQuery(" | ".join(alternatives), search_type="raw", config=search_configuration(language))


def _transpositions(word: str) -> list[str]:
    """The word with each pair of neighboring letters swapped, a typo that trigrams miss: "serail" for "serial"."""
    if len(word) < MIN_SIMILAR_WORD_LENGTH:
        return []
    swapped = (word[:index] + word[index + 1] + word[index] + word[index + 2 :] for index in range(len(word) - 1))
    return [each for each in swapped if each != word]
