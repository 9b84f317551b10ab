from celery import shared_task
from django.utils import timezone

from desk.models import LookRecord


@shared_task
def delete_old_look_records() -> None:
    """Delete records of views that are older than LOOK_RECORDS_KEPT_DAYS."""
    LookRecord.objects.filter(at__lt=timezone.now() - LookRecord.kept_for()).delete()
