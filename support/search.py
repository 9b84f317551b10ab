"""Search in the help: full text in each article's language, and words that resemble what was typed."""

import re
from datetime import datetime
from functools import reduce
from operator import add, or_
from typing import Any

from django.conf import settings
from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, ExpressionWrapper, F, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Concat, Lower

from support.articles import readable
from support.models import ArticleVersion
from support.models.articles import search_configuration

MAX_CHARACTERS = 200
MAX_WORDS = 8
RESULTS = 10
# D, C, B, A: text, sentence, other words, title
WEIGHTS = [0.1, 0.4, 0.7, 1.0]
# Shorter words resemble too much.
SHORTEST_TO_RESEMBLE = 4
# Shares of a word's groups of three letters; a word of a text resembles something sooner than a word of a title.
RESEMBLES_TITLE = 0.5
RESEMBLES_TEXT = 0.7
# So much of the best result's score a result needs, so that one common word does not bring everything along.
SHARE_OF_BEST = 0.15


def words(typed: str) -> list[str]:
    """What is looked for: letters and digits only, each word once, as many as make sense."""
    found = re.findall(r"[^\W_]+", typed[:MAX_CHARACTERS].lower())
    return list(dict.fromkeys(found))[:MAX_WORDS]


def search(typed: str, language: str, now: datetime) -> list[ArticleVersion]:
    """The articles that answer what was typed, best first; one query, and none where there are no words in it."""
    wanted = words(typed)
    if not wanted:
        return []
    resembling = [word for word in wanted if len(word) >= SHORTEST_TO_RESEMBLE]
    found: list[Any] = list(_found(readable(language, now), wanted, resembling, language)[:RESULTS])
    return [each for each in found if each.score >= SHARE_OF_BEST * found[0].score]


def _found(
    versions: QuerySet[ArticleVersion], wanted: list[str], resembling: list[str], language: str
) -> QuerySet[ArticleVersion]:
    queries = {each: _query(wanted, each) for each in {language, settings.LANGUAGE_CODE}}
    matches = reduce(or_, (Q(language=each, search=query) for each, query in queries.items()))
    rank = Case(
        *(When(language=each, then=SearchRank(F("search"), query, weights=WEIGHTS)) for each, query in queries.items()),
        default=Value(0.0),
        output_field=FloatField(),
    )
    head = Lower(Concat("title", Value(" "), "keywords", Value(" "), "summary"))
    near: dict[str, TrigramWordSimilarity] = {}
    for number, word in enumerate(resembling):
        near |= {
            f"head_{number}": TrigramWordSimilarity(word, head),
            f"text_{number}": TrigramWordSimilarity(word, Lower("body")),
        }
        matches |= Q(**{f"head_{number}__gte": RESEMBLES_TITLE}) | Q(**{f"text_{number}__gte": RESEMBLES_TEXT})
    likeness = reduce(add, (F(f"head_{number}") for number in range(len(resembling))), Value(0.0))
    score = ExpressionWrapper(rank + likeness / Value(float(max(len(resembling), 1))), output_field=FloatField())
    return versions.alias(**near).filter(matches).annotate(score=score).order_by("-score", "article__position", "pk")


def _query(wanted: list[str], language: str) -> SearchQuery:
    """Any of the words, or what begins so, or the word with two neighboring letters the other way round."""
    alternatives = (f"'{form}':*" for word in wanted for form in (word, *_turned(word)))
    # Words hold letters and digits only, so nothing in them means anything to PostgreSQL.
    return SearchQuery(" | ".join(alternatives), search_type="raw", config=search_configuration(language))


def _turned(word: str) -> list[str]:
    """The slip that shares the fewest groups of three letters with what was meant: serail for serial."""
    if len(word) < SHORTEST_TO_RESEMBLE:
        return []
    turned = (word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(len(word) - 1))
    return [each for each in turned if each != word]
