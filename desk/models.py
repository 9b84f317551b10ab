"""Views by staff of pages about buyers, and the permission to export lists."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.fields import NoCardNumbersCharField

KEY_LENGTH = 254  # of an email address


class LookRecord(models.Model):
    """A page about an order, a person, a case or a license was shown to a staff user.

    There are no foreign keys to the viewed rows, because a record outlives them.
    """

    class Kind(models.TextChoices):
        ORDER = "order", _("order")
        AS_BUYER = "as_buyer", _("order, as the buyer sees it")
        PERSON = "person", _("person")
        CASE = "case", _("case")
        LICENSE = "license", _("license")

    at = models.DateTimeField(_("date"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("staff member"),
    )
    # Kept if the account is deleted.
    username = NoCardNumbersCharField(_("username"), max_length=150)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # The search key: the normalized number of an order or reference of a case, the key of the person's address, or the
    # id of a license, so that serial numbers aren't repeated here.
    object_key = models.CharField(_("object"), max_length=KEY_LENGTH)
    # The model and the id of the row on the page, such as refunds.return; none for a person.
    object_model = models.CharField(max_length=64, blank=True, default="")
    object_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("look record")
        verbose_name_plural = _("look records")
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["-at"], name="look_record_by_time"),
            models.Index(fields=["username", "-at"], name="look_record_by_staff"),
            models.Index(fields=["object_key", "-at"], name="look_record_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.username} {self.kind} {self.object_key}"

    @classmethod
    def kept_for(cls) -> timedelta:
        return timedelta(days=settings.LOOK_RECORDS_KEPT_DAYS)


class ListExport(models.Model):  # noqa: DJ008 (it has no rows)
    """Holds the permission to export lists. It has no table: exports are recorded in Django's LogEntry."""

    class Meta:
        verbose_name = _("export of lists")
        verbose_name_plural = _("exports of lists")
        managed = False
        default_permissions = ()
        permissions = [("export_lists", "Can export lists as CSV")]
