"""That the scheduler is alive, kept where all machines can see it."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """When the scheduler's last beat came through the queue and a worker. One row a name."""

    BEAT = "beat"
    LOST_AFTER = timedelta(seconds=3 * settings.HEARTBEAT_SECONDS + 10)  # three beats missed

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def note(cls, name: str = BEAT) -> None:
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})

    @classmethod
    def age(cls, name: str = BEAT) -> timedelta | None:
        """How long ago the last beat was; None where there was none yet."""
        last = cls.objects.filter(name=name).first()
        return timezone.now() - last.at if last else None
