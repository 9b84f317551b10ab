"""Changes of help articles: new drafts and withdrawals. A published version is never changed."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from support.models import Article, ArticleVersion


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
