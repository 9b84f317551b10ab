from celery import shared_task
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from orders import rate_limits
from orders.models import AccessLink, Attempt, LookupCode


@shared_task
def delete_old_access_data() -> None:
    """Delete rate limit counters, attempts, links, codes and sessions that are no longer needed."""
    now = timezone.now()
    rate_limits.delete_stale_counters(now)
    Attempt.objects.filter(at__lt=now - settings.KEPT_FOR["attempts"]).delete()
    AccessLink.objects.filter(created_at__lt=now - settings.KEPT_FOR["access_links"]).delete()
    LookupCode.objects.filter(created_at__lt=now - settings.KEPT_FOR["lookup_codes"]).delete()
    SessionStore.clear_expired()
