"""Views by staff of pages about buyers, sessions of staff, password resets, the permission to export lists, and what
people asked for about their data.
"""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import new_reference
from orders.models import SingleUseLink
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersJSONField

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


class ListExport(models.Model):  # noqa: DJ008 (it has no rows)
    """Holds the permission to export lists. It has no table: exports are recorded in Django's LogEntry."""

    class Meta:
        verbose_name = _("export of lists")
        verbose_name_plural = _("exports of lists")
        managed = False
        default_permissions = ()
        permissions = [("export_lists", "Can export lists as CSV")]


class StaffSession(models.Model):
    """A signed-in browser of a staff user: what Django's session doesn't say about itself."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Not a foreign key: Django replaces the row of a session when its key changes.
    session_key = models.CharField(max_length=40, unique=True)
    started_at = models.DateTimeField(_("since"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    browser = models.CharField(_("browser"), max_length=64, blank=True)  # such as "Firefox, Windows"

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        default_permissions = ["view"]
        permissions = [
            ("end_staffsession", "Can end sessions of other staff"),
            ("reset_second_factor", "Can reset the second factor of other staff"),
        ]
        indexes = [models.Index(fields=["user", "-last_seen_at"], name="staff_session_by_user")]

    def __str__(self) -> str:
        return f"{self.user} {self.browser}"


class PasswordReset(models.Model):
    """Someone asked to reset the password of the staff users with this address, which may be nobody's.

    The row is written for every address, so that the page takes as long for unknown ones. Who has the address is found
    when the email is sent.
    """

    email_key = models.CharField(max_length=KEY_LENGTH)
    requested_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}"


def new_erasure_reference() -> str:
    return new_reference("E")


class Erasure(models.Model):
    """The receipt of an erasure. It doesn't say whose data was erased."""

    reference = models.CharField(
        _("reference"), max_length=16, unique=True, default=new_erasure_reference, editable=False
    )
    made_at = models.DateTimeField(_("erased at"), default=timezone.now)
    # The user name, or for a command, the operating system's user.
    made_by_name = NoCardNumbersCharField(_("erased by"), max_length=150, blank=True)
    # How many rows of which model: {"orders.Order": 2}
    counts = NoCardNumbersJSONField(_("rows"), default=dict)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        default_permissions = ["view"]
        permissions = [
            ("export_person", "Can export all data of a person"),
            ("erase_person", "Can erase the data of a person"),
        ]
        indexes = [models.Index(fields=["-made_at"], name="erasure_by_time")]

    def __str__(self) -> str:
        return self.reference


class PersonRequestQuerySet(models.QuerySet["PersonRequest"]):
    def confirmed(self) -> "PersonRequestQuerySet":
        """Return the requests whose emailed link was used. Anyone can make others, with any address."""
        return self.filter(used_at__isnull=False)

    def waiting(self) -> "PersonRequestQuerySet":
        return self.confirmed().filter(outcome=PersonRequest.Outcome.OPEN)


class PersonRequest(SingleUseLink):
    """A person asked for a copy of their data, or for its erasure. Its emailed link confirms it.

    The row is written for every address, so that the page takes as long for unknown ones.
    """

    class Kind(models.TextChoices):
        COPY = "copy", _("a copy of the data")
        ERASURE = "erasure", _("erasure of the data")

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("carried out")
        DECLINED = "declined", _("declined")

    kind = models.CharField(_("request"), max_length=8, choices=Kind)
    # Empty after the data of the address was erased.
    email_key = models.CharField(_("email address"), max_length=KEY_LENGTH, blank=True)
    language = models.CharField(max_length=16, blank=True)
    outcome = models.CharField(_("status"), max_length=8, choices=Outcome, default=Outcome.OPEN)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by_name = NoCardNumbersCharField(_("settled by"), max_length=150, blank=True)

    objects = PersonRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request about personal data")
        verbose_name_plural = _("requests about personal data")
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["created_at"], name="person_request_by_age"),
            models.Index(fields=["email_key"], name="person_request_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"


class ExportLink(SingleUseLink):
    """The emailed link with which a person downloads the copy of their data that staff released."""

    LIFETIME = timedelta(days=7)

    request = models.ForeignKey(PersonRequest, on_delete=models.CASCADE, related_name="export_links")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}"
