"""Periodic tasks."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from licenses.services.activations import delete_events_before

EVENT_RETENTION = timedelta(days=90)  # how long a repeated event is recognized


@shared_task
def delete_old_activation_events() -> None:
    """Delete the ids of events that are too old to be repeated."""
    delete_events_before(timezone.now() - EVENT_RETENTION)
