"""The outbox: emails to send, scheduled follow-ups and opt-outs."""

import uuid
from datetime import datetime
from typing import Any, TypeAlias

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.addresses import EmailKeyField, mask_address
from notifications.codes import grouped, make_code
from notifications.statuses import MessageStatus


class MessageQuerySet(models.QuerySet["Message"]):
    def about_order(self, order_id: int) -> "MessageQuerySet":
        return self.filter(order_id=order_id)

    def waiting(self) -> "MessageQuerySet":
        return self.filter(status=Message.Status.WAITING)

    def newest_first(self) -> "MessageQuerySet":
        return self.order_by("-id")


class Message(models.Model):
    """One email to one recipient. Stores the object that it is about; the content is rendered when it is sent."""

    Status: TypeAlias = MessageStatus

    ERROR_LENGTH = 500

    kind = models.CharField(_("kind"), max_length=64)
    object_id = models.BigIntegerField()
    key = models.CharField(max_length=128, blank=True)
    # The order it is about, for the order page and staff. Not a foreign key, because this app doesn't know orders.
    order_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    recipient = models.EmailField(_("recipient"), max_length=254)
    recipient_key = EmailKeyField("recipient")
    language = models.CharField(_("language"), max_length=16, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=5, help_text=_("Lower numbers are sent first."))

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # The time of the first failed attempt. Delivery gives up some days later.
    first_failed_at = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=ERROR_LENGTH, blank=True)
    message_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(_("code"), max_length=16, default=make_code, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("bounced at"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id", "key"], name="message_once_per_object_and_key")
        ]
        indexes = [
            models.Index(F("priority"), F("due_at"), condition=Q(status="waiting"), name="message_due"),
            models.Index(fields=["recipient_key"], name="message_by_recipient"),
            models.Index(fields=["sent_at"], condition=Q(sent_at__isnull=False), name="message_by_sending"),
            models.Index(fields=["bounced_at"], condition=Q(bounced_at__isnull=False), name="message_by_bounce"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"

    @property
    def masked_recipient(self) -> str:
        return mask_address(self.recipient)

    @property
    def grouped_code(self) -> str:
        return grouped(self.code)


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def planned(self) -> "FollowUpQuerySet":
        return self.filter(status=FollowUp.Status.PLANNED)

    def of(self, kind: str, object_id: Any) -> "FollowUpQuerySet":
        """Rows of an object, for use in `Exists`; `object_id` is an OuterRef."""
        return self.filter(kind=kind, object_id=object_id)

    def due(self, now: datetime) -> "FollowUpQuerySet":
        return self.planned().filter(due_at__lte=now)


class FollowUp(models.Model):
    """A scheduled email. Becomes a Message when it is due and still wanted; otherwise it is canceled.

    Unlike a message, recipients can opt out of it, it is not sent after `closes_at`, and no address gets
    two within a day.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", _("scheduled")
        SENT = "sent", _("sent")
        CANCELLED = "cancelled", _("no longer needed")
        SWITCHED_OFF = "switched_off", _("unsubscribed")
        TOO_LATE = "too_late", _("too late")

    kind = models.CharField(_("kind"), max_length=64)
    object_id = models.BigIntegerField()
    key = models.CharField(max_length=128, blank=True)
    order_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    recipient = models.EmailField(_("recipient"), max_length=254)
    recipient_key = EmailKeyField("recipient")
    language = models.CharField(_("language"), max_length=16, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PLANNED)
    due_at = models.DateTimeField(_("due at"))
    closes_at = models.DateTimeField(_("don’t send after"))
    settled_at = models.DateTimeField(_("sent or canceled at"), null=True, blank=True)
    # When an error last prevented checking or sending it.
    failed_at = models.DateTimeField(_("last failed at"), null=True, blank=True, editable=False)
    message = models.OneToOneField(
        Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="follow_up", verbose_name=_("message")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id", "key"], name="follow_up_once_per_object_and_key"),
            models.CheckConstraint(condition=Q(closes_at__gt=F("due_at")), name="follow_up_has_a_window"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="planned"), name="follow_up_due"),
            models.Index(fields=["recipient_key"], name="follow_up_by_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class OptOut(models.Model):
    """An address that opted out of follow-ups. Other emails are still sent to it."""

    class Source(models.TextChoices):
        ONE_CLICK = "one_click", _("one-click unsubscribe in the email app")
        PAGE = "page", _("unsubscribe page")
        STAFF = "staff", _("support")

    email_key = models.CharField(_("email address"), max_length=254, unique=True)
    source = models.CharField(_("source"), max_length=16, choices=Source)
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("unsubscribed address")
        verbose_name_plural = _("unsubscribed addresses")
        constraints = [models.CheckConstraint(condition=~Q(email_key=""), name="opt_out_has_an_address")]

    def __str__(self) -> str:
        return self.email_key


class OutgoingHold(models.Model):
    """While its row exists, nothing leaves the portal: no email, no refund, and nothing that a store's event causes.

    Set after a restore, because what was waiting in the backup may have left since. See portal/restoring.py.
    """

    since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("hold of everything outgoing")
        verbose_name_plural = _("holds of everything outgoing")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="only_one_outgoing_hold")]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M}"

    @classmethod
    def is_active(cls) -> bool:
        return cls.objects.exists()
