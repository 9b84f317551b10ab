"""Celery tasks."""

import logging

from celery import shared_task

from refunds.services import sending, withdrawals

logger = logging.getLogger(__name__)


@shared_task
def send_refunds() -> None:
    """Send due refunds; see refunds/services/sending.py. Several of these may run at the same time."""
    if counts := sending.send_due():
        logger.info("Refunds: %s", ", ".join(f"{count} {result}" for result, count in sorted(counts.items())))


@shared_task
def match_withdrawals() -> None:
    """Find the orders of new withdrawals; see refunds/services/withdrawals.py."""
    if found := withdrawals.match_withdrawals():
        logger.info("Withdrawals: the order of %s was found", found)
