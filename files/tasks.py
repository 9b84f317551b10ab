"""What Celery runs."""

import logging

from celery import shared_task
from django.utils import timezone

from files.purging import purge

logger = logging.getLogger(__name__)

PURGE_SECONDS = 60  # below a task's time limit; the next run goes on


@shared_task
def purge_files() -> None:
    """Delete uploads past their time and files without a row; see files/purging.py."""
    purged = purge(timezone.now(), seconds=PURGE_SECONDS)
    if purged.uploads or purged.orphans or purged.held:
        logger.info("Uploads: %d deleted, %d held, %d orphans.", purged.uploads, purged.held, purged.orphans)
