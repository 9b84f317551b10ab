"""Processed events of activation servers, so that none is processed twice."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ActivationEvent(models.Model):
    """One processed event. Received again it changes nothing and gets the same response."""

    key_id = models.CharField(max_length=64)  # the sender: two servers may use the same event ids
    event_id = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)  # of the content; the same id with other content is an error
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("activation event")
        verbose_name_plural = _("activation events")
        constraints = [models.UniqueConstraint(fields=["key_id", "event_id"], name="activation_event_taken_once")]
        indexes = [models.Index(fields=["received_at"], name="activation_event_by_time")]

    def __str__(self) -> str:
        return f"{self.key_id} {self.event_id}"
