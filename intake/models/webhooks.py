"""Store events, and the secrets that sign them."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.models.statuses import MAX_STATUS_LENGTH, StatusMeaning
from intake.problems import ProblemCode
from orders.models import Store
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersTextField

# How long the content of an event is kept, and its result.
BODY_KEPT: timedelta = settings.KEPT_FOR["store_event_bodies"]
EVENT_KEPT: timedelta = settings.KEPT_FOR["store_events"]
MAX_SECRETS = 2  # of one store and format: the new one and the old one during a rotation


class WebhookSecret(models.Model):
    """A secret that a store uses to sign its events. Encrypted, and never shown again."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", verbose_name=_("store"))
    format = models.CharField(_("format"), max_length=32)
    position = models.PositiveSmallIntegerField(editable=False)  # 1 or 2, so that there are at most two
    content = models.BinaryField()
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("webhook secret")
        verbose_name_plural = _("webhook secrets")
        default_permissions = ("add", "delete", "view")
        constraints = [
            models.UniqueConstraint(fields=["store", "format", "position"], name="webhook_secret_once_per_position"),
            models.CheckConstraint(condition=Q(position__range=(1, MAX_SECRETS)), name="webhook_secret_position"),
        ]

    def __str__(self) -> str:
        return f"{self.store} {self.format}"


class StoreEventQuerySet(models.QuerySet["StoreEvent"]):
    def due(self, now: datetime) -> Self:
        return self.filter(verdict=StoreEvent.Verdict.WAITING, next_try_at__lte=now)

    def with_answered_status(self) -> Self:
        """Return events that wait for the meaning of a status, and for which staff have set it."""
        same_word = {"store": OuterRef("store"), "format": OuterRef("format"), "word": OuterRef("word")}
        return self.filter(
            Exists(StatusMeaning.objects.filter(**same_word).exclude(meaning="")),
            verdict=StoreEvent.Verdict.WAITING,
            next_try_at=None,
        )

    def can_be_retried(self) -> Self:
        """Return events that were not taken, except those with masked card numbers, which no longer have the original
        content.
        """
        return self.filter(verdict__in=StoreEvent.RETRYABLE, body__isnull=False).exclude(code=ProblemCode.CARD_NUMBER)


class StoreEvent(models.Model):
    """An event from a store, stored before the response is sent; a worker imports it. Each id is stored once."""

    class Verdict(models.TextChoices):
        WAITING = "waiting", _("waiting")
        TAKEN = "taken", _("processed")
        REJECTED = "rejected", _("rejected")
        IGNORED = "ignored", _("ignored")

    # Verdicts that staff can retry.
    RETRYABLE = (Verdict.WAITING, Verdict.REJECTED)

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", verbose_name=_("store"))
    format = models.CharField(_("format"), max_length=32)
    # The provider's id for the event, or the digest of the body if it has no signed id.
    event_id = models.CharField(_("event ID"), max_length=255)
    kind = NoCardNumbersCharField(_("event type"), max_length=100, blank=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    # Encrypted, because it may contain passwords and addresses. Null after it was deleted.
    body = models.BinaryField(null=True)

    verdict = models.CharField(_("result"), max_length=8, choices=Verdict, default=Verdict.WAITING)
    # Why it waits, was rejected or ignored: a code from `intake.problems.ProblemCode` or for events only, and a
    # message.
    code = models.CharField(_("code"), max_length=32, blank=True)
    reason = NoCardNumbersTextField(_("reason"), blank=True)
    word = NoCardNumbersCharField(_("value"), max_length=MAX_STATUS_LENGTH, blank=True)  # a status that staff explain
    tries = models.PositiveIntegerField(_("attempts"), default=0)
    # When a worker takes it, also if an earlier worker died. Null: staff have to answer first.
    next_try_at = models.DateTimeField(_("next attempt"), default=timezone.now, null=True)
    # The time from which failed attempts are repeated for a limited time.
    retried_since = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    objects = StoreEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("store event")
        verbose_name_plural = _("store events")
        default_permissions = ("view",)
        permissions = [
            ("retry_storeevent", _("Can retry store events")),
            ("read_storeevent", _("Can read the content of store events")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["store", "format", "event_id"], name="store_event_once"),
            models.CheckConstraint(
                condition=Q(verdict="waiting") | Q(finished_at__isnull=False), name="store_event_finished"
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at", "id"], condition=Q(verdict="waiting"), name="store_event_due"),
            models.Index(fields=["received_at"], condition=Q(body__isnull=False), name="store_event_with_body"),
            models.Index(fields=["received_at"], name="store_event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
