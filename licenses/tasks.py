"""What is cleaned up by itself."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from licenses.services.activations import forget_events

EVENTS_KEPT = timedelta(days=90)  # how long an activation server may repeat an event and be told the same


@shared_task
def forget_activation_events() -> None:
    """Remove the ids of events that no activation server repeats any more."""
    forget_events(timezone.now() - EVENTS_KEPT)
