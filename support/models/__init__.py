"""Help articles, country data, and threads with support."""

from support.models.articles import Article, ArticleVersion, ArticleVote
from support.models.claims import ChargeClaim
from support.models.regions import CardRegion, PhoneNumber, StoreRegion
from support.models.searches import FailedSearch, SearchSynonyms
from support.models.threads import AnswerTemplate, Thread, ThreadFile, ThreadLink, ThreadMessage

__all__ = [
    "AnswerTemplate",
    "Article",
    "ArticleVersion",
    "ArticleVote",
    "CardRegion",
    "ChargeClaim",
    "FailedSearch",
    "PhoneNumber",
    "SearchSynonyms",
    "StoreRegion",
    "Thread",
    "ThreadFile",
    "ThreadLink",
    "ThreadMessage",
]
