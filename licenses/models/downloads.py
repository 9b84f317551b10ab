"""Releases, download windows, install guides and issued downloads."""

import uuid
from typing import Self

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses.models.products import Product
from orders.models import Order, Store
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersTextField

RELEASES = "releases"  # the name in settings.STORAGES
DEFAULT_WINDOW_DAYS = 30


def releases_storage() -> Storage:
    """The storage for installers."""
    return storages[RELEASES]


class Platform(models.TextChoices):
    WINDOWS = "windows", "Windows"
    MACOS = "macos", "macOS"
    LINUX = "linux", "Linux"
    ANDROID = "android", "Android"
    IOS = "ios", "iOS"
    OTHER = "other", _("other")


class ReleaseQuerySet(models.QuerySet["Release"]):
    def drafts(self) -> Self:
        return self.filter(released_at__isnull=True)

    def published(self) -> Self:
        """Releases that are or were offered to buyers."""
        return self.filter(released_at__isnull=False)

    def current(self) -> Self:
        return self.published().filter(replaced_at__isnull=True, withdrawn_at__isnull=True)


class Release(models.Model):
    """One installer. A newer one replaces it for the same product and platform; earlier buyers keep it.

    It is a draft until staff publish it, which sets `released_at`. Nobody can download a draft.
    """

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="releases", verbose_name=_("product"))
    version = NoCardNumbersCharField(_("version"), max_length=64)
    platform = models.CharField(_("platform"), max_length=16, choices=Platform)
    file_name = NoCardNumbersCharField(
        _("file name"), max_length=255, help_text=_("File name in the browser’s download folder.")
    )
    stored_name = models.CharField(max_length=64, unique=True, editable=False)
    size = models.PositiveBigIntegerField(_("size in bytes"), editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True, editable=False)
    # None if a command published it.
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("published by"),
    )
    replaced_at = models.DateTimeField(_("replaced at"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(
        _("withdrawn at"),
        null=True,
        blank=True,
        help_text=_("From then on, it can’t be downloaded. Use this for harmful releases."),
    )

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["product", "platform", "-released_at"]
        constraints = [
            models.UniqueConstraint(fields=["product", "platform", "version"], name="release_version_once"),
            models.UniqueConstraint(
                fields=["product", "platform"],
                condition=Q(released_at__isnull=False, replaced_at__isnull=True, withdrawn_at__isnull=True),
                name="release_one_current_per_platform",
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=False) | Q(replaced_at__isnull=True, withdrawn_at__isnull=True),
                name="release_draft_was_never_offered",
            ),
            models.CheckConstraint(condition=Q(size__gt=0), name="release_is_not_empty"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="release_sha256_is_hex"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.version} ({self.get_platform_display()})"

    @property
    def is_draft(self) -> bool:
        return self.released_at is None


class DownloadWindow(models.Model):
    """How many days after the purchase a store's buyers may download. Without a row, 30 days."""

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, related_name="download_window", verbose_name=_("store")
    )
    days = models.PositiveSmallIntegerField(_("days"), default=DEFAULT_WINDOW_DAYS)

    class Meta:
        verbose_name = _("download window")
        verbose_name_plural = _("download windows")

    def __str__(self) -> str:
        return f"{self.store}: {self.days}"


class DownloadExtension(models.Model):
    """Staff extended the downloads of an order until this day, if its own period ends earlier."""

    order = models.OneToOneField(
        Order, on_delete=models.CASCADE, related_name="download_extension", verbose_name=_("order")
    )
    last_day = models.DateField(_("last day"))
    made_at = models.DateTimeField(_("extended at"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("extended by")
    )

    class Meta:
        verbose_name = _("download extension")
        verbose_name_plural = _("download extensions")

    def __str__(self) -> str:
        return f"{self.order}: {self.last_day}"


class InstallGuide(models.Model):
    """How to install a product, on one platform and in one version or in all, in one language, as Markdown."""

    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="install_guides", verbose_name=_("product")
    )
    platform = models.CharField(
        _("platform"), max_length=16, choices=Platform, blank=True, help_text=_("Leave empty for all platforms.")
    )
    version = NoCardNumbersCharField(
        _("version"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("As buyers know it, for example 17 or 17.8. Empty: every version."),
    )
    language = models.CharField(_("language"), max_length=16, default="en")
    title = NoCardNumbersCharField(_("title"), max_length=200)
    body = NoCardNumbersTextField(_("text"), help_text=_("Use Markdown."))

    class Meta:
        verbose_name = _("install guide")
        verbose_name_plural = _("install guides")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "platform", "version", "language"], name="install_guide_once_per_version"
            )
        ]

    def __str__(self) -> str:
        return self.title


class Download(models.Model):
    """One issued link to a release, and whether it was used."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="downloads", verbose_name=_("release"))
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="downloads", verbose_name=_("order"))
    issued_at = models.DateTimeField(_("issued at"), default=timezone.now)
    client = models.CharField(_("client"), max_length=64, blank=True)
    # The order's value when the link was issued. When all access to the order is ended, its links end, too.
    access_generation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)

    class Meta:
        verbose_name = _("download")
        verbose_name_plural = _("downloads")
        indexes = [models.Index(fields=["order", "-issued_at"], name="download_by_order")]

    def __str__(self) -> str:
        return f"{self.release_id} {self.issued_at:%Y-%m-%d %H:%M}"

    @property
    def is_revoked(self) -> bool:
        """Whether all access to the order was ended after the link was issued."""
        return self.access_generation != self.order.access_generation
