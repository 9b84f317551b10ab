"""Celery tasks of the portal itself."""

from celery import shared_task

from portal.models import Heartbeat


@shared_task
def heartbeat() -> None:
    """Record that beat, broker, worker and database work together. Read by `manage.py doctor`."""
    Heartbeat.record()
