"""Help articles with their versions. Per language, the version published last is in force."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, Q, When
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses.models import Product
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersSlugField, NoCardNumbersTextField

# The text search configuration for each language; all other languages use DEFAULT_SEARCH_CONFIGURATION. They are
# PostgreSQL's own, without accents: created by the migration `search_without_accents`.
SEARCH_CONFIGURATIONS = {
    "da": "portal_danish",
    "de": "portal_german",
    "en": "portal_english",
    "es": "portal_spanish",
    "fr": "portal_french",
    "it": "portal_italian",
    "nb": "portal_norwegian",
    "nl": "portal_dutch",
    "sv": "portal_swedish",
}
DEFAULT_SEARCH_CONFIGURATION = "portal_simple"


def search_configuration(language: str) -> str:
    return SEARCH_CONFIGURATIONS.get(language.partition("-")[0], DEFAULT_SEARCH_CONFIGURATION)


def _weighted_search_vector(configuration: str) -> Combinable:
    """Weights, most important first: title, keywords, summary, body."""
    title, keywords, summary, body = (
        SearchVector(field, config=configuration, weight=weight)
        for field, weight in (("title", "A"), ("keywords", "B"), ("summary", "C"), ("body", "D"))
    )
    return title + keywords + summary + body


class Topic(models.TextChoices):
    """The topics that pages of the portal use to link to help articles."""

    FIND_ORDER = "find_order", _("finding an order")
    NO_CONFIRMATION = "no_confirmation", _("missing confirmation")
    SERIAL_NUMBER = "serial_number", _("serial numbers")
    DEVICES = "devices", _("devices")
    DOWNLOAD = "download", _("downloads")
    RETURN = "return", _("returns, withdrawals and swaps")
    CASHBACK = "cashback", _("cashback")
    PAYMENT = "payment", _("cards and payment")
    CHARGED = "charged", _("charged without an order")
    RENEWAL = "renewal", _("renewals and prices")
    SCAM = "scam", _("scams")
    CONTACT = "contact", _("contacting support")


class Article(models.Model):
    """A help article. Its URL has the same slug in every language."""

    slug = NoCardNumbersSlugField(_("short name"), max_length=100, unique=True)
    topics = ArrayField(
        models.CharField(max_length=24, choices=Topic),
        verbose_name=_("topics"),
        default=list,
        blank=True,
    )
    products = models.ManyToManyField(
        Product,
        blank=True,
        related_name="articles",
        verbose_name=_("products"),
        help_text=_("Leave empty for all products."),
    )
    applies_to = NoCardNumbersCharField(
        _("versions"), max_length=200, blank=True, help_text=_("For example, 2025 and later.")
    )
    position = models.PositiveSmallIntegerField(
        _("position"),
        default=100,
        help_text=_("Lower numbers are shown first. The first six are the common questions."),
    )

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.slug


class ArticleVersionQuerySet(models.QuerySet["ArticleVersion"]):
    def published(self, now: datetime) -> Self:
        return self.filter(publish_at__lte=now)

    def in_force(self, now: datetime) -> Self:
        """Return the version of each article and language that was published last, which may be a withdrawal."""
        newest = self.published(now).order_by("article_id", "language", "-publish_at", "-pk")
        return self.filter(pk__in=newest.distinct("article_id", "language").values("pk"))

    def without_search(self) -> Self:
        """Don't load the search vector. It is larger than the text, and only PostgreSQL uses it."""
        return self.defer("search")


class ArticleVersion(models.Model):
    """One version of an article in one language. Never changed once it is published."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="versions", verbose_name=_("article"))
    language = models.CharField(_("language"), max_length=16, default="en")
    title = NoCardNumbersCharField(_("title"), max_length=200)
    summary = NoCardNumbersCharField(_("summary"), max_length=300, blank=True)
    keywords = NoCardNumbersCharField(
        _("keywords"),
        max_length=300,
        blank=True,
        help_text=_("Words that people might search for, separated by commas."),
    )
    body = NoCardNumbersTextField(
        _("text"), help_text=_("Use Markdown. A link in a paragraph of its own becomes a button.")
    )
    publish_at = models.DateTimeField(
        _("published from"), null=True, blank=True, help_text=_("Leave empty for a draft. Only staff can see drafts.")
    )
    # A later draft took its place, or staff discarded it. It stays in the history.
    discarded_at = models.DateTimeField(_("discarded at"), null=True, blank=True, editable=False)
    # Hides the article in this language from `publish_at` on, until a later version is published.
    is_withdrawal = models.BooleanField(_("unpublish the article"), default=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    search = models.GeneratedField(
        expression=Case(
            *(
                When(language__startswith=language, then=_weighted_search_vector(configuration))
                for language, configuration in SEARCH_CONFIGURATIONS.items()
            ),
            default=_weighted_search_vector(DEFAULT_SEARCH_CONFIGURATION),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ArticleVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("article version")
        verbose_name_plural = _("article versions")
        ordering = ["article", "language", "-created_at"]
        indexes = [
            models.Index(fields=["article", "language", "-publish_at"], name="article_version_in_force"),
            GinIndex(fields=["search"], name="article_version_words"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(discarded_at=None) | Q(publish_at=None), name="article_version_discarded_is_not_published"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    def record_vote(self, voter: uuid.UUID, helped: bool, now: datetime) -> None:
        """Record whether this version helped a visitor. A second vote replaces the first."""
        ArticleVote.objects.update_or_create(
            version=self, voter=voter, defaults={"helped": helped}, create_defaults={"helped": helped, "at": now}
        )


class ArticleVote(models.Model):
    """Whether an article helped a visitor. One vote per browser and version."""

    version = models.ForeignKey(ArticleVersion, on_delete=models.CASCADE, related_name="votes")
    voter = models.UUIDField(default=uuid.uuid4)  # random, kept in the visitor's session only
    helped = models.BooleanField(_("helped"))
    at = models.DateTimeField(_("date"), default=timezone.now)

    class Meta:
        verbose_name = _("article vote")
        verbose_name_plural = _("article votes")
        constraints = [models.UniqueConstraint(fields=["version", "voter"], name="article_vote_once")]
        indexes = [models.Index(fields=["at"], name="article_vote_by_time")]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.helped}"
