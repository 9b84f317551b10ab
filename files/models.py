"""Files uploaded by buyers, stored privately, and the record of downloads by staff."""

import uuid
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PRIVATE_STORAGE = "private"  # its alias in settings.STORAGES
STORED_NAME_PATTERN = r"^[0-9a-f]{2}/[0-9a-f]{32}$"


def private_storage() -> Storage:
    """Return the storage of uploaded content, which no web server serves."""
    return storages[PRIVATE_STORAGE]


class UploadQuerySet(models.QuerySet["Upload"]):
    def expired(self, now: Any) -> "UploadQuerySet":
        return self.filter(keep_until__lte=now)


class Upload(models.Model):
    """One validated file. Apps that use uploads refer to it with a foreign key.

    The `on_delete` of that key decides what happens when the upload expires: with SET_NULL or CASCADE it is
    deleted, with PROTECT it is kept.
    """

    class MediaType(models.TextChoices):
        PDF = "application/pdf", "PDF"
        JPEG = "image/jpeg", "JPEG"
        PNG = "image/png", "PNG"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120, help_text=_("File name on the buyer’s device."))
    media_type = models.CharField(_("file type"), max_length=40, choices=MediaType)
    size = models.PositiveIntegerField(_("size in bytes"))
    sha256 = models.CharField("SHA-256", max_length=64)
    stored_name = models.CharField(max_length=64, unique=True, editable=False)
    uploaded_at = models.DateTimeField(_("uploaded at"), default=timezone.now)
    keep_until = models.DateTimeField(_("deleted after"))
    # The client whose daily limit the file counts against, as a keyed hash; emptied after a day (see
    # files/client_limits.py).
    client_key = models.CharField(max_length=32, blank=True, editable=False)

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="upload_is_not_empty"),
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/jpeg", "image/png"]),
                name="upload_media_type_is_known",
            ),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="upload_sha256_is_hex"),
            models.CheckConstraint(
                condition=Q(stored_name__regex=STORED_NAME_PATTERN), name="upload_stored_name_is_random"
            ),
            models.CheckConstraint(condition=Q(keep_until__gt=F("uploaded_at")), name="upload_is_kept_for_a_time"),
        ]
        indexes = [
            models.Index(fields=["keep_until"], name="upload_by_end"),
            models.Index(
                fields=["client_key", "uploaded_at"], condition=~Q(client_key=""), name="upload_by_client_of_the_day"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def open(self) -> File:
        """Open the content. Raises FileNotFoundError, or another error of the storage."""
        return private_storage().open(self.stored_name)


class DownloadRecord(models.Model):
    """A staff member downloaded an upload. The record outlives the upload, so it has its id instead
    of a foreign key.
    """

    upload_id = models.UUIDField(_("upload"))
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name=_("downloaded by"))
    at = models.DateTimeField(_("downloaded at"), default=timezone.now)

    class Meta:
        verbose_name = _("upload download")
        verbose_name_plural = _("upload downloads")
        indexes = [
            models.Index(fields=["upload_id", "at"], name="download_record_by_upload"),
            models.Index(fields=["at"], name="download_record_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.staff} {self.at:%Y-%m-%d %H:%M}"
