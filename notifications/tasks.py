"""Celery tasks."""

import logging
import multiprocessing
from collections import Counter

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from notifications import delivery, follow_ups

logger = logging.getLogger(__name__)

# Shared with the worker's child processes, which are forked after this module is loaded: on shutdown,
# the worker sets it so that they start no further emails.
_shutting_down = multiprocessing.get_context("fork").Event()


@worker_shutting_down.connect
def _stop_delivering(**_details: object) -> None:
    _shutting_down.set()


@shared_task
def deliver_due() -> None:
    """Send due emails; see notifications/delivery.py. Several of these may run at once."""
    counts = delivery.deliver_due(should_stop=_shutting_down.is_set)
    if counts:
        logger.info("Delivery: %s", ", ".join(f"{number} {status}" for status, number in sorted(counts.items())))


@shared_task
def send_follow_ups() -> None:
    """Plan, cancel and send follow-ups; see notifications/follow_ups.py."""
    this_run = follow_ups.run(timezone.now())
    counts = Counter(result.status.value for result in this_run.results)
    if counts:
        logger.info("Follow-ups: %s", ", ".join(f"{number} {status}" for status, number in sorted(counts.items())))
    if this_run.failures:
        logger.error("Follow-ups: %s failed, the others did not", len(this_run.failures))
