"""Changes of help articles: new texts and withdrawals. The text of a version is never changed."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from support.article_texts import ArticleText, LanguageState, TextState, load_states
from support.models import Article, ArticleVersion


class TextChanged(NotPossible):
    """A colleague has saved this language since the editor loaded it. `state` is what there is now."""

    def __init__(self, state: LanguageState) -> None:
        super().__init__(_("A colleague has saved this language in the meantime. Your text wasn’t saved."))
        self.state = state


def save_text(
    article: Article,
    language: str,
    text: ArticleText,
    publish_at: datetime | None,
    by: User,
    token: str,
    now: datetime,
) -> ArticleVersion | None:
    """Save the text of one language as a new version, which replaces the draft that it continues, if there is one.

    It is a draft without `publish_at`. `token` is that of the `LanguageState` that the editor has loaded. Without a
    change of the text, only the date of a draft is set. Returns None if nothing has changed. Raises TextChanged.
    """
    with transaction.atomic():
        state = _locked_state(article, language, token, now)
        current = state.current
        if current is not None and ArticleText.of(current) == text:
            if state.is_open and current.publish_at != publish_at:
                current.publish_at = publish_at
                current.save(update_fields=["publish_at"])
                return current
            if state.state != TextState.UNPUBLISHED or publish_at is None:
                return None
        elif state.is_open and current is not None:
            _discard(current, now)
        return ArticleVersion.objects.create(
            article=article,
            language=language,
            title=text.title,
            summary=text.summary,
            keywords=text.keywords,
            body=text.body,
            publish_at=publish_at,
            created_by=by,
        )


def discard_draft(article: Article, language: str, token: str, now: datetime) -> None:
    """Discard the draft or scheduled text of a language. It stays in the history. Raises TextChanged, NotPossible."""
    with transaction.atomic():
        state = _locked_state(article, language, token, now)
        if state.current is None or not state.is_open:
            raise NotPossible(_("There’s no draft in this language."))
        _discard(state.current, now)


def _locked_state(article: Article, language: str, token: str, now: datetime) -> LanguageState:
    """The state of a language, which nobody else changes until the transaction ends. Raises TextChanged."""
    Article.objects.select_for_update().get(pk=article.pk)
    state = load_states(article, now)[language]
    if state.token != token:
        raise TextChanged(state)
    return state


def _discard(version: ArticleVersion, now: datetime) -> None:
    version.publish_at, version.discarded_at = None, now
    version.save(update_fields=["publish_at", "discarded_at"])


def copy_to_draft(version: ArticleVersion, by: User) -> ArticleVersion:
    """Create a draft with the same content."""
    return ArticleVersion.objects.create(
        article=version.article,
        language=version.language,
        title=version.title,
        summary=version.summary,
        keywords=version.keywords,
        body=version.body,
        created_by=by,
    )


def withdraw(version: ArticleVersion, by: User, now: datetime) -> ArticleVersion:
    """Hide an article in one language until a later version of it is published.

    Scheduled versions stay scheduled and end the withdrawal. Raises NotPossible if `version` is not the one in force.
    """
    with transaction.atomic():
        Article.objects.select_for_update().get(pk=version.article_id)
        if version.is_withdrawal or not ArticleVersion.objects.in_force(now).filter(pk=version.pk).exists():
            raise NotPossible(_("This version isn’t published, so it can’t be unpublished."))
        return ArticleVersion.objects.create(
            article=version.article,
            language=version.language,
            title=version.title,
            publish_at=now,
            is_withdrawal=True,
            created_by=by,
        )
