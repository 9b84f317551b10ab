from celery import shared_task
from django.utils import timezone

from desk import log_entries, password_reset, staff_sessions
from desk.models import LookRecord


@shared_task
def delete_old_look_records() -> None:
    """Delete records of views that are older than LOOK_RECORDS_KEPT_DAYS."""
    LookRecord.objects.filter(at__lt=timezone.now() - LookRecord.kept_for()).delete()


@shared_task
def delete_old_staff_data() -> None:
    """Delete old entries of the log of staff's actions, ended sessions, and requests to reset a password."""
    log_entries.delete_old_log_entries()
    staff_sessions.delete_ended_sessions()
    password_reset.delete_old_requests()
