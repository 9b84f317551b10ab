"""Periodic tasks of the app `support`."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from support.models import ThreadLink

LINK_RETENTION = timedelta(days=30)  # until then, an expired link still offers to email a new one


@shared_task
def delete_old_links() -> None:
    ThreadLink.objects.filter(created_at__lt=timezone.now() - LINK_RETENTION).delete()
