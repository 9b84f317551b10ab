"""What changes help: new versions, withdrawal, votes. A version that was published stays as it was."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from support.models import Article, ArticleVersion, ArticleVote


def copy(version: ArticleVersion, by: User) -> ArticleVersion:
    """A draft that says the same, for its writer to go on with."""
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
    """Take an article from people in one language, until a later version of it is published.

    Versions that were to come by themselves stay, and end the withdrawal. Raises NotPossible where people do not
    read this version.
    """
    with transaction.atomic():
        Article.objects.select_for_update().get(pk=version.article_id)
        if version.is_withdrawal or not ArticleVersion.objects.in_force(now).filter(pk=version.pk).exists():
            raise NotPossible(_("People do not read this version, so there is nothing to withdraw."))
        return ArticleVersion.objects.create(
            article=version.article,
            language=version.language,
            title=version.title,
            publish_at=now,
            is_withdrawal=True,
            created_by=by,
        )


def vote(version: ArticleVersion, voter: UUID, helped: bool, now: datetime) -> None:
    """Note whether it helped. Whoever votes again changes their vote."""
    ArticleVote.objects.update_or_create(
        version=version, voter=voter, defaults={"helped": helped}, create_defaults={"helped": helped, "at": now}
    )
