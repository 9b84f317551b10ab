"""Mappings of tables in unknown formats, and the files that staff upload to import."""

import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from files.models import private_storage
from intake import process_locks
from orders.models import Store
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersJSONField, NoCardNumbersSlugField

# How long an uploaded file is kept if it isn't imported.
UPLOADS_KEPT: timedelta = settings.KEPT_FOR["import_uploads"]
# The first key of the advisory lock that a process holds while it works on an upload; the second is the upload's id.
UPLOAD_LOCK = 0x55504C
FOLDER = "imports"  # in the storage of private files


def header_fingerprint(header: Iterable[str]) -> str:
    """Return the digest of a header, which identifies its mapping. The sequence of columns doesn't matter."""
    names = sorted(name for name in (normalize_column(name) for name in header) if name)
    return hashlib.sha256(json.dumps(names).encode(errors="surrogatepass")).hexdigest()


def normalize_column(name: str) -> str:
    """Return a column name in the form used for comparisons, the same as in `intake.tables.read_table`."""
    return name.strip().lower()


class TableMapping(models.Model):
    """The meaning of the columns of a store's table. Versions never change: an edit creates a new one.

    `columns` has the field of each column, by the column's normalized name. `constants` has values for all orders of a
    file, by field. See `intake.mapping.fields` for both. Other settings that are empty are detected for each file, and
    an empty time zone is the store's.
    """

    class DecimalSign(models.TextChoices):
        COMMA = ",", _("comma (1.234,50)")
        POINT = ".", _("point (1,234.50)")

    class DateOrder(models.TextChoices):
        DMY = "dmy", _("day, month, year (31.12.2026)")
        MDY = "mdy", _("month, day, year (12/31/2026)")
        YMD = "ymd", _("year, month, day (26-12-31)")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", verbose_name=_("store"))
    name = NoCardNumbersSlugField(_("name"), max_length=64)
    version = models.PositiveIntegerField(_("version"), default=1)
    fingerprint = models.CharField(max_length=64, editable=False)
    columns = NoCardNumbersJSONField(_("columns"), default=dict)
    constants = NoCardNumbersJSONField(_("for all orders"), default=dict, blank=True)
    date_order = models.CharField(_("date order"), max_length=3, choices=DateOrder, blank=True)
    decimal_sign = models.CharField(_("decimal sign"), max_length=1, choices=DecimalSign, blank=True)
    encoding = NoCardNumbersCharField(_("encoding"), max_length=32, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("saved at"), default=timezone.now)
    created_by_name = NoCardNumbersCharField(_("saved by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("mapping")
        verbose_name_plural = _("mappings")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["store", "name", "version"], name="table_mapping_once_per_version")
        ]
        indexes = [models.Index(fields=["store", "fingerprint"], name="table_mapping_by_header")]

    def __str__(self) -> str:
        word = _("version")
        return f"{self.name} ({word} {self.version})"

    def column_of(self, field: str) -> str:
        """Return the first column that is mapped to a field; empty if there is none."""
        return next((column for column, mapped in self.columns.items() if mapped == field), "")

    def same_content(self, other: "TableMapping") -> bool:
        """Whether another version has the same content."""
        names = ("fingerprint", "columns", "constants", "date_order", "decimal_sign", "encoding", "time_zone")
        return all(getattr(self, name) == getattr(other, name) for name in names)


class ImportUploadQuerySet(models.QuerySet["ImportUpload"]):
    def expired(self, now: datetime) -> Self:
        """Return expired uploads."""
        return self.filter(uploaded_at__lte=now - UPLOADS_KEPT)

    def at_work(self) -> Self:
        """Return uploads that wait for a worker, or are being processed by one."""
        return self.filter(state__in=(ImportUpload.State.CHECKING, ImportUpload.State.IMPORTING))


class ImportUpload(models.Model):
    """A file that staff uploaded to import. Its content is deleted after the import, or after UPLOADS_KEPT."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        IMPORTING = "importing", _("being imported")
        IMPORTED = "imported", _("imported")
        FAILED = "failed", _("failed")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", verbose_name=_("store"))
    name = NoCardNumbersCharField(_("file name"), max_length=255)
    stored_name = models.CharField(max_length=64, unique=True, editable=False)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    uploaded_at = models.DateTimeField(_("uploaded at"), default=timezone.now)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("uploaded by"),
    )
    import_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("imported by"),
    )
    state = models.CharField(_("status"), max_length=16, choices=State, default=State.UPLOADED)
    # Settings for a file in a known format. For other tables, the mapping has them.
    encoding = NoCardNumbersCharField(_("encoding"), max_length=32, blank=True)
    date_order = models.CharField(_("date order"), max_length=3, choices=TableMapping.DateOrder, blank=True)
    mapping = models.ForeignKey(
        TableMapping, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("mapping")
    )
    # The results of the check so far: see `intake.services.import_steps.Preview`.
    preview = NoCardNumbersJSONField(default=dict, blank=True, editable=False)
    problem = NoCardNumbersCharField(_("problem"), max_length=500, blank=True)
    run = models.OneToOneField(
        "intake.ImportRun",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="upload",
        verbose_name=_("import"),
    )

    objects = ImportUploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("file to import")
        verbose_name_plural = _("files to import")
        default_permissions = ("add",)
        indexes = [
            models.Index(
                fields=["uploaded_at"],
                condition=models.Q(state__in=["checking", "importing"]),
                name="import_upload_to_work_on",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def new_stored_name() -> str:
        """Return a random name, in a separate folder of the private storage."""
        return f"{FOLDER}/{secrets.token_hex(16)}"

    @property
    def kept_until(self) -> datetime:
        return self.uploaded_at + UPLOADS_KEPT

    @property
    def is_at_work(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.IMPORTING)

    def change_state(self, *from_states: "ImportUpload.State", to: "ImportUpload.State", **changes: Any) -> bool:
        """Change the state and other columns, here and in the database. False if the state has
        changed in the meantime.
        """
        known = ImportUpload.objects.filter(pk=self.pk, state__in=from_states)
        is_changed = known.update(state=to, **changes) == 1
        if is_changed:
            self.refresh_from_db()
        return is_changed

    def delete_content(self) -> None:
        """Delete the file. Deleting it again does nothing."""
        private_storage().delete(self.stored_name)


def try_lock_upload(upload_id: int) -> bool:
    """Take the lock of an upload until `unlock_upload` or the end of the process. False if it is already held."""
    return process_locks.try_lock(UPLOAD_LOCK, upload_id)


def unlock_upload(upload_id: int) -> None:
    process_locks.unlock(UPLOAD_LOCK, upload_id)
