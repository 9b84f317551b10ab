"""Queries for the help articles that visitors see, each in one language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils.text import capfirst
from django.utils.translation import gettext

from support.models import Article, ArticleVersion
from support.models.articles import Topic

MAX_RELATED = 4
COMMON_QUESTIONS = 6


@dataclass(frozen=True)
class Section:
    """A heading of the help page with its articles."""

    topic: str
    title: str
    articles: Sequence[ArticleVersion]


def published_versions(language: str, now: datetime) -> QuerySet[ArticleVersion]:
    """Return one published version of each article, in the sequence of the articles.

    It is the version in `language`, otherwise in the default language. Drafts and withdrawn articles are omitted.
    """
    in_force = ArticleVersion.objects.in_force(now).filter(
        is_withdrawal=False, language__in=(language, settings.LANGUAGE_CODE)
    )
    requested_language_first = Case(When(language=language, then=Value(0)), default=Value(1))
    best = in_force.order_by("article_id", requested_language_first).distinct("article_id")
    return (
        ArticleVersion.objects.filter(pk__in=best.values("pk"))
        .select_related("article")
        .without_search()
        .order_by("article__position", "article__slug")
    )


def find_published(slug: str, language: str, now: datetime) -> ArticleVersion | None:
    """Return the published version of an article, with `product_names`; None if there is none."""
    return annotate_product_names(published_versions(language, now)).filter(article__slug=slug).first()


def annotate_product_names(versions: QuerySet[ArticleVersion]) -> QuerySet[ArticleVersion]:
    """Add `product_names`: the sorted names of the article's products; empty if it applies to all products."""
    names = ArrayAgg(
        "article__products__name",
        filter=Q(article__products__isnull=False),
        order_by=("article__products__name",),
        default=Value([]),
    )
    return versions.annotate(product_names=names)


def find_related(article: Article, language: str, now: datetime) -> list[ArticleVersion]:
    """Return up to MAX_RELATED other articles that share a topic."""
    if not article.topics:
        return []
    others = published_versions(language, now).filter(article__topics__overlap=article.topics).exclude(article=article)
    return list(others[:MAX_RELATED])


def common_questions(versions: Sequence[ArticleVersion]) -> Sequence[ArticleVersion]:
    """Return the first articles; none if there are so few that the sections show them at a glance."""
    return versions[:COMMON_QUESTIONS] if len(versions) > COMMON_QUESTIONS else []


def group_by_topic(versions: Sequence[ArticleVersion], first_topic: str = "") -> list[Section]:
    """Return the articles, each in the section of its first topic.

    The section of `first_topic` comes first and contains every article with this topic.
    """
    remaining = list(versions)
    sections = []
    if first_topic in Topic:
        sections.append(_section(first_topic, [each for each in remaining if first_topic in each.article.topics]))
        remaining = [each for each in remaining if first_topic not in each.article.topics]
    for topic in Topic.values:
        sections.append(_section(topic, [each for each in remaining if each.article.topics[:1] == [topic]]))
    without_topic = [each for each in remaining if not each.article.topics]
    sections.append(Section("other", gettext("Other questions"), without_topic))
    return [section for section in sections if section.articles]


def _section(topic: str, articles: list[ArticleVersion]) -> Section:
    return Section(topic, capfirst(str(Topic(topic).label)), articles)
