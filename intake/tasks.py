"""Periodic tasks."""

import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from intake.services.event_processing import delete_expired_events, process_due
from intake.services.history import delete_expired_details
from intake.services.prefix_updates import update_by_prefixes
from intake.services.sku_mappings import update_requested
from intake.services.undo import undo_requested
from intake.services.upload_work import work_on_uploads
from intake.services.uploads import delete_expired_uploads

# How long a task works before it leaves the rest to the next one. Less than CELERY_TASK_TIME_LIMIT.
RUN_FOR = timedelta(seconds=60)
# Shorter, because email waits for the same worker processes.
EVENTS_RUN_FOR = timedelta(seconds=20)
UPLOADS_RUN_FOR = timedelta(seconds=20)
# A task also skips everything that earlier tasks have read. Less than the broker's visibility timeout.
UPLOAD_TIME_LIMIT = 280  # seconds

logger = logging.getLogger(__name__)


@shared_task
def undo_requested_imports() -> None:
    """Undo the imports for which staff requested this in the admin."""
    undo_requested(until=timezone.now() + RUN_FOR)


@shared_task(time_limit=UPLOAD_TIME_LIMIT)
def work_on_uploaded_files() -> None:
    """Check and import the files that staff uploaded."""
    work_on_uploads(until=timezone.now() + UPLOADS_RUN_FOR)


@shared_task
def update_orders_of_skus() -> None:
    """Update earlier orders after staff changed serial number prefixes, or the product or the kind of SKUs."""
    until = timezone.now() + RUN_FOR
    update_by_prefixes(until)
    update_requested(until)


@shared_task
def process_store_events() -> None:
    """Import store events. Several of these tasks may run at the same time."""
    if counts := process_due(until=timezone.now() + EVENTS_RUN_FOR):
        logger.info("Store events: %s", ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))


@shared_task
def delete_old_import_details() -> None:
    """Delete rejected rows and undo data of old imports, old store events and old uploads."""
    until = timezone.now() + RUN_FOR
    delete_expired_details(until)
    delete_expired_events(until)
    delete_expired_uploads(until)
