"""Periodic tasks."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from intake.services.history import delete_expired_details
from intake.services.sku_mappings import update_requested
from intake.services.undo import undo_requested

# How long one task works; the next one continues. Less than CELERY_TASK_TIME_LIMIT.
RUN_FOR = timedelta(seconds=60)


@shared_task
def undo_requested_imports() -> None:
    """Undo the imports for which staff asked that in the admin."""
    undo_requested(until=timezone.now() + RUN_FOR)


@shared_task
def update_orders_of_skus() -> None:
    """Update earlier orders after staff changed the product or the kind of SKUs."""
    update_requested(until=timezone.now() + RUN_FOR)


@shared_task
def delete_old_import_details() -> None:
    """Delete the rejected rows of old imports, and what is needed to undo them."""
    delete_expired_details(until=timezone.now() + RUN_FOR)
