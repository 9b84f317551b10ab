import logging

from celery import shared_task
from django.utils import timezone

from files.purging import purge

logger = logging.getLogger(__name__)

PURGE_SECONDS = 60  # below the task time limit; the next run continues


@shared_task
def purge_files() -> None:
    """Delete expired uploads and orphaned files; see files/purging.py."""
    result = purge(timezone.now(), max_seconds=PURGE_SECONDS)
    if result.uploads or result.orphans or result.protected:
        logger.info("Uploads: %d deleted, %d protected, %d orphans.", result.uploads, result.protected, result.orphans)
