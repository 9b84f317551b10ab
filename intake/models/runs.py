"""The import history: runs with their files and rejected rows, and the data needed to undo a run."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake import process_locks
from intake.models.mappings import TableMapping
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersJSONField, NoCardNumbersTextField

# How long a run can be undone, and its rejected rows are kept.
DETAILS_KEPT: timedelta = settings.KEPT_FOR["import_details"]
# The first key of the advisory lock that a process holds while it imports or undoes a run; the second is the run's id.
RUN_LOCK = 0x52554E
# The ids of the runs whose lock a process holds.
_AT_WORK = """
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# The ids of the runs that a worker imports in steps.
_IN_STEPS = "SELECT run_id FROM intake_importupload WHERE state = 'importing' AND run_id IS NOT NULL"


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def with_expired_details(self, now: datetime) -> Self:
        """Return runs that are too old to be undone, but whose details were not deleted yet."""
        return self.filter(started_at__lte=now - DETAILS_KEPT, details_deleted_at=None)

    def with_activity(self) -> Self:
        """Annotate `is_at_work`, which `shown_state` needs: whether a process is importing or undoing the run.

        An upload is imported in steps, and the lock of its run is free between them.
        """
        return self.annotate(
            is_at_work=RawSQL(  # noqa: S611
                f"(intake_importrun.id IN ({_AT_WORK}) OR intake_importrun.id IN ({_IN_STEPS}))",
                [RUN_LOCK],
            )
        )


class ImportRun(models.Model):
    """One import of one or more files: who, when, from what, and with which results."""

    class Source(models.TextChoices):
        COMMAND = "command", _("command")
        UPLOAD = "upload", _("upload in the admin")
        WEBHOOK = "webhook", _("webhook")

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        INTERRUPTED = "interrupted", _("interrupted")
        PARTLY_UNDONE = "partly_undone", _("partly undone")
        UNDONE = "undone", _("undone")

    source = models.CharField(_("source"), max_length=8, choices=Source)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("started by"),
    )
    # The user name or, for a command, the operating system's user. Kept if the account is deleted.
    started_by_name = NoCardNumbersCharField(_("started by"), max_length=150, blank=True)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    updated_at = models.DateTimeField(_("last saved at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    state = models.CharField(_("status"), max_length=16, choices=State, default=State.RUNNING)

    read = models.PositiveIntegerField(_("read"), default=0)
    created = models.PositiveIntegerField(_("created"), default=0)
    updated = models.PositiveIntegerField(_("updated"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    # [{"code": "ambiguous_address", "count": 3, "first": "The address …"}], and the same for rejects
    reject_counts = NoCardNumbersJSONField(default=list, blank=True, editable=False)
    warnings = NoCardNumbersJSONField(_("warnings"), default=list, blank=True)
    # How the files were read: encoding, date order, mapping.
    options = NoCardNumbersJSONField(_("options"), default=dict, blank=True)

    # Set by the admin; a worker then undoes the run.
    undo_requested_at = models.DateTimeField(_("undo requested at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by_name = NoCardNumbersCharField(_("undone by"), max_length=150, blank=True)
    orders_deleted = models.PositiveIntegerField(_("orders deleted"), default=0)
    orders_restored = models.PositiveIntegerField(_("orders restored"), default=0)
    details_deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        default_permissions = ("view",)
        permissions = [
            ("undo_importrun", _("Can undo import")),
            ("download_importreject", _("Can download the rejected rows of imports")),
        ]
        indexes = [
            models.Index(
                fields=["started_at"],
                condition=models.Q(details_deleted_at__isnull=True),
                name="import_run_with_details",
            ),
            models.Index(
                fields=["undo_requested_at"],
                condition=models.Q(undo_requested_at__isnull=False),
                name="import_run_to_undo",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def can_be_undone_until(self) -> datetime:
        """Return the time from which the run can no longer be undone."""
        return self.started_at + DETAILS_KEPT

    def is_too_old(self, now: datetime) -> bool:
        return self.details_deleted_at is not None or now >= self.can_be_undone_until

    @property
    def shown_state(self) -> "ImportRun.State":
        """Return the state of a run loaded `with_activity`. If its process is gone, it was interrupted."""
        is_at_work: bool = self.is_at_work  # type: ignore[attr-defined]
        if self.state == self.State.RUNNING and not is_at_work:
            return self.State.INTERRUPTED
        return self.State(self.state)

    def is_imported_in_steps(self) -> bool:
        """Whether a worker still has to import more of the run's upload."""
        return type(self).objects.filter(pk=self.pk, upload__state="importing").exists()


def try_lock_run(run_id: int) -> bool:
    """Take the lock of a run until `unlock_run` or the end of the process. False if it is already held."""
    return process_locks.try_lock(RUN_LOCK, run_id)


def unlock_run(run_id: int) -> None:
    process_locks.unlock(RUN_LOCK, run_id)


class ImportFile(models.Model):
    """A file of a run."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="files", verbose_name=_("import"))
    name = NoCardNumbersCharField(_("file name"), max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    format = models.CharField(_("format"), max_length=32)
    store = NoCardNumbersCharField(_("store"), max_length=64, blank=True)  # empty if its rows name theirs
    # The parts of a table that its rejects file repeats.
    header = NoCardNumbersJSONField(default=list, blank=True, editable=False)
    delimiter = models.CharField(max_length=1, default=",", editable=False)
    # For a table in an unknown format.
    mapping = models.ForeignKey(
        TableMapping, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("mapping")
    )

    class Meta:
        verbose_name = _("imported file")
        verbose_name_plural = _("imported files")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["sha256"], name="import_file_by_digest")]

    def __str__(self) -> str:
        return self.name


class ImportReject(models.Model):
    """A rejected item of a file, kept for DETAILS_KEPT. Its content is encrypted, because it may contain a password."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rejects", verbose_name=_("import"))
    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="+", verbose_name=_("file"))
    line = models.PositiveIntegerField(_("line"))
    code = models.CharField(_("code"), max_length=32)
    text = NoCardNumbersTextField(_("reason"))
    word = NoCardNumbersCharField(_("value"), max_length=200, blank=True)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.line}: {self.text}"


class Change(models.TextChoices):
    """What a run did with an order."""

    CREATED = "created", _("created")
    CHANGED = "changed", _("changed")


class ImportChange(models.Model):
    """An order that a run created or changed, with the data needed to undo that. Kept for DETAILS_KEPT.

    Written by SQL in intake/ingest/recording.py. There are no foreign keys in the database, because checking each row
    would slow down imports, and a row may outlive its order.
    """

    pk = models.CompositePrimaryKey("run_id", "order_id")
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    order_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Change)
    # The digest of the order after the run, which detects later changes.
    digest = models.UUIDField(null=True)
    # The rows of a changed order before the run, by table, and `relations`: digests of the rows of other apps.
    before = models.JSONField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            # An undo uses this to find a later import that changed the order. That import can't have created it.
            models.Index(fields=["order_id"], condition=models.Q(kind="changed"), name="import_change_by_order")
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.order_id}"


class ImportedObject(models.Model):
    """A license, SKU or store that a run created or changed. The notes on `ImportChange` apply here, too."""

    class Kind(models.TextChoices):
        LICENSE = "license", _("license")
        SKU = "sku", "SKU"
        STORE = "store", _("store")

    pk = models.CompositePrimaryKey("run_id", "kind", "object_id")
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    object_id = models.BigIntegerField()
    # What an undo restores, as it was before the run; null if the run created it.
    before = models.JSONField(null=True)
    # The same columns after the run. Columns that changed since then are kept.
    after = models.JSONField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.object_id}"
