"""What Celery runs."""

import logging

from celery import shared_task

from refunds.services import sending

logger = logging.getLogger(__name__)


@shared_task
def send_refunds() -> None:
    """Send the refunds that are due; see refunds/services/sending.py. Several of these may run at once."""
    if counts := sending.send_due():
        logger.info("Refunds: %s", ", ".join(f"{number} {answer}" for answer, number in sorted(counts.items())))
