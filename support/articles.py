"""Reading help: the articles that people see in their language, by topic and one by one."""

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

RELATED = 4


@dataclass(frozen=True)
class Section:
    """What stands under one heading of the help page."""

    topic: str
    title: str
    articles: Sequence[ArticleVersion]


def readable(language: str, now: datetime) -> QuerySet[ArticleVersion]:
    """One version of each article: in this language, else in the site's own. Drafts, and what was withdrawn, are not.

    In the articles' own order.
    """
    in_force = ArticleVersion.objects.in_force(now).filter(
        is_withdrawal=False, language__in=(language, settings.LANGUAGE_CODE)
    )
    own_first = Case(When(language=language, then=Value(0)), default=Value(1))
    best = in_force.order_by("article_id", own_first).distinct("article_id")
    return (
        ArticleVersion.objects.filter(pk__in=best.values("pk"))
        .select_related("article")
        .defer("search")  # larger than the text, and only PostgreSQL reads it
        .order_by("article__position", "article__slug")
    )


def read(slug: str, language: str, now: datetime) -> ArticleVersion | None:
    """The article of this name, with `product_names`; None where people see no such article."""
    return with_products(readable(language, now)).filter(article__slug=slug).first()


def with_products(versions: QuerySet[ArticleVersion]) -> QuerySet[ArticleVersion]:
    """Each with `product_names`, in alphabetical order: the products that it is about; none: all."""
    names = ArrayAgg(
        "article__products__name",
        filter=Q(article__products__isnull=False),
        order_by=("article__products__name",),
        default=Value([]),
    )
    return versions.annotate(product_names=names)


def related(article: Article, language: str, now: datetime) -> list[ArticleVersion]:
    """A few other articles that are about the same."""
    if not article.topics:
        return []
    others = readable(language, now).filter(article__topics__overlap=article.topics).exclude(article=article)
    return list(others[:RELATED])


def by_topic(language: str, now: datetime, first: str = "") -> list[Section]:
    """All articles, each under the first of its topics; `first` names a topic that begins, with all that is its."""
    left = list(readable(language, now))
    sections = []
    if first in Topic:
        sections.append(_section(first, [each for each in left if first in each.article.topics]))
        left = [each for each in left if first not in each.article.topics]
    for topic in Topic.values:
        sections.append(_section(topic, [each for each in left if each.article.topics[:1] == [topic]]))
    others = [each for each in left if not each.article.topics]
    sections.append(Section("other", gettext("Other questions"), others))
    return [section for section in sections if section.articles]


def _section(topic: str, articles: list[ArticleVersion]) -> Section:
    return Section(topic, capfirst(str(Topic(topic).label)), articles)
