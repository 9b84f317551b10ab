"""The heartbeat of the scheduler, and which process it is, stored in the database so that every machine can read it."""

from datetime import timedelta

from django.conf import settings
from django.db import connection, models
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


# By the clock of the database, because those of several machines differ.
_TAKE = """
INSERT INTO portal_schedulerlease AS lease (name, holder, until)
VALUES (%(name)s, %(holder)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE lease.holder = excluded.holder OR lease.until <= now()
"""


class SchedulerLease(models.Model):
    """Which of several schedulers starts tasks, and until when it may. One row."""

    NAME = "beat"

    name = models.CharField(max_length=32, primary_key=True)
    holder = models.CharField(max_length=128)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.holder}"

    @classmethod
    def take(cls, holder: str, seconds: float) -> bool:
        """Take or renew the lease. False if another holder has it."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, {"name": cls.NAME, "holder": holder, "seconds": seconds})
            return cursor.rowcount == 1

    @classmethod
    def give_up(cls, holder: str) -> None:
        """Let others take the lease at once. Does nothing if another holder has it."""
        cls.objects.filter(name=cls.NAME, holder=holder).delete()
