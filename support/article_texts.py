"""The texts of an article as editors see them: one for each language, published or not.

A text is never overwritten: each save adds a version. So the versions are the history, and a version that an editor has
loaded stays what it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _

from support.models import Article, ArticleVersion

TEXT_FIELDS = ("title", "summary", "keywords", "body")


@dataclass(frozen=True)
class ArticleText:
    """What an editor writes, without outer spaces and with \\n as line break."""

    title: str
    summary: str
    keywords: str
    body: str

    @classmethod
    def of(cls, version: ArticleVersion) -> Self:
        return cls(*(normalize(getattr(version, name)) for name in TEXT_FIELDS))


def normalize(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


class TextState(models.TextChoices):
    """What buyers see of the text that editors continue."""

    MISSING = "missing", _("missing")
    DRAFT = "draft", _("draft")
    SCHEDULED = "scheduled", _("scheduled")
    PUBLISHED = "published", _("published")
    UNPUBLISHED = "unpublished", _("unpublished")


OPEN = frozenset({TextState.DRAFT, TextState.SCHEDULED})


@dataclass(frozen=True)
class LanguageState:
    """An article in one language. `current` is the version that editors continue; None if the text is missing."""

    language: str
    state: TextState = TextState.MISSING
    current: ArticleVersion | None = None
    published: ArticleVersion | None = None  # what buyers see now
    other_scheduled: Sequence[ArticleVersion] = ()
    newest_id: int = 0

    @property
    def token(self) -> str:
        """Changes with everything that an editor who has loaded this state should know before saving."""
        if self.current is None:
            return f"{self.newest_id}-0-0"
        at = self.current.publish_at
        return f"{self.newest_id}-{self.current.pk}-{int(at.timestamp()) if at else 0}"

    @property
    def is_open(self) -> bool:
        """Whether the text is a draft or scheduled."""
        return self.state in OPEN


def find_states(versions: Iterable[ArticleVersion], now: datetime) -> dict[str, LanguageState]:
    """Return the state of each language of the site, from all versions of one article. Makes no query."""
    by_language: dict[str, list[ArticleVersion]] = {code: [] for code, _name in settings.LANGUAGES}
    for version in versions:
        by_language.setdefault(version.language, []).append(version)
    return {code: _find_state(code, by_language[code], now) for code, _name in settings.LANGUAGES}


def _find_state(language: str, versions: list[ArticleVersion], now: datetime) -> LanguageState:
    newest_id = max((each.pk for each in versions), default=0)
    texts = sorted((each for each in versions if not each.is_withdrawal), key=lambda each: each.pk)
    drafts = [each for each in texts if each.publish_at is None and each.discarded_at is None]
    scheduled = [each for each in texts if each.publish_at is not None and each.publish_at > now]
    past = [each for each in versions if each.publish_at is not None and each.publish_at <= now]
    in_force = max(past, key=lambda each: (each.publish_at, each.pk), default=None)
    published = in_force if in_force is not None and not in_force.is_withdrawal else None
    if drafts or scheduled:
        current = max([*drafts, *scheduled], key=lambda each: each.pk)
        state = TextState.DRAFT if current in drafts else TextState.SCHEDULED
    elif published is not None:
        current, state = published, TextState.PUBLISHED
    elif past_texts := [each for each in texts if each in past]:
        current, state = past_texts[-1], TextState.UNPUBLISHED
    else:
        return LanguageState(language, newest_id=newest_id)
    others = [each for each in scheduled if each != current]
    return LanguageState(language, state, current, published, others, newest_id)


def load_states(article: Article, now: datetime) -> dict[str, LanguageState]:
    """Return the state of each language, with its texts. Two queries."""
    states = find_states(article.versions.defer("search", "body").select_related("created_by"), now)
    shown = [state.current.pk for state in states.values() if state.current is not None]
    bodies = dict(ArticleVersion.objects.filter(pk__in=shown).values_list("pk", "body"))
    for state in states.values():
        if state.current is not None:
            state.current.body = bodies[state.current.pk]
    return states


def with_version_list(articles: QuerySet[Article]) -> QuerySet[Article]:
    """Prefetch the versions, without their texts, for `find_states`. One more query."""
    return articles.prefetch_related(
        Prefetch("versions", ArticleVersion.objects.defer("search", "body", "summary", "keywords"))
    )
