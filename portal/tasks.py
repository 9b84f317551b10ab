"""What Celery runs for the portal itself."""

from celery import shared_task

from portal.models import Heartbeat


@shared_task
def heartbeat() -> None:
    """Note that beat, broker, worker and database together carry a task through. `doctor` reads it."""
    Heartbeat.note()
