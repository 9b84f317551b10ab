"""What is cleaned up by itself."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from support.models import ThreadLink

LINKS_KEPT = timedelta(days=30)  # an old link still leads to a fresh one that long


@shared_task
def forget_old_links() -> None:
    ThreadLink.objects.filter(created_at__lt=timezone.now() - LINKS_KEPT).delete()
