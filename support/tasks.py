"""Periodic tasks of the app `support`."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from support.models import FailedSearch, ThreadLink

LINK_RETENTION = timedelta(days=30)  # until then, an expired link still offers to email a new one
FAILED_SEARCH_RETENTION = timedelta(days=180)  # since the last search for it


@shared_task
def delete_old_links() -> None:
    ThreadLink.objects.filter(created_at__lt=timezone.now() - LINK_RETENTION).delete()


@shared_task
def delete_old_failed_searches() -> None:
    FailedSearch.objects.filter(last_at__lt=timezone.now() - FAILED_SEARCH_RETENTION).delete()
