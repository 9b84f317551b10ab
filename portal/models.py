"""The heartbeat of the scheduler, stored in the database so that every machine can read it."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """When a scheduled task last passed through the broker and a worker. One row per name."""

    BEAT = "beat"
    STALE_AFTER = timedelta(seconds=3 * settings.HEARTBEAT_SECONDS + 10)  # three missed heartbeats

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def record(cls, name: str = BEAT) -> None:
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})

    @classmethod
    def age(cls, name: str = BEAT) -> timedelta | None:
        """Time since the last heartbeat; None if there was none yet."""
        last = cls.objects.filter(name=name).first()
        return timezone.now() - last.at if last else None
