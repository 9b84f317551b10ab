"""What activation servers told, so that nothing is taken twice."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ActivationEvent(models.Model):
    """One event that was taken. Told again it changes nothing, and is answered the same."""

    key_id = models.CharField(max_length=64)  # who told it: two servers may number their events alike
    event_id = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)  # of what it said; the same id with other content is a mistake
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("activation event")
        verbose_name_plural = _("activation events")
        constraints = [models.UniqueConstraint(fields=["key_id", "event_id"], name="activation_event_taken_once")]
        indexes = [models.Index(fields=["received_at"], name="activation_event_by_time")]

    def __str__(self) -> str:
        return f"{self.key_id} {self.event_id}"
