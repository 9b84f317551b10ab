from datetime import timedelta

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from orders import rate_limits
from orders.models import AccessLink, Attempt, LookupCode

ATTEMPTS_KEPT = timedelta(days=90)
CODES_KEPT = timedelta(days=1)
LINKS_KEPT = timedelta(days=30)  # until then, an expired link can be renewed


@shared_task
def delete_old_access_data() -> None:
    """Delete rate limit counters, attempts, links, codes and sessions that are no longer needed."""
    now = timezone.now()
    rate_limits.delete_stale_counters(now)
    Attempt.objects.filter(at__lt=now - ATTEMPTS_KEPT).delete()
    AccessLink.objects.filter(created_at__lt=now - LINKS_KEPT).delete()
    LookupCode.objects.filter(created_at__lt=now - CODES_KEPT).delete()
    SessionStore.clear_expired()
