import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from desk import password_reset, staff_sessions
from desk.privacy import retention

logger = logging.getLogger(__name__)

# How long a run of the retention works before it leaves the rest to another one, and its limit: deleting from one table
# may take longer than that. Less than the broker's visibility timeout.
RETENTION_RUN_FOR = timedelta(seconds=60)
RETENTION_TIME_LIMIT = 280  # seconds


@shared_task(time_limit=RETENTION_TIME_LIMIT)
def apply_retention() -> None:
    """Delete what is older than its period; see desk/privacy/retention.py. Another run continues if the time is up."""
    now = timezone.now()
    results = list(retention.run(now, until=now + RETENTION_RUN_FOR))
    if deleted := [f"{result.count} {result.kind}" for result in results if result.count]:
        logger.info("Retention: %s", ", ".join(deleted))
    if not all(result.is_complete for result in results):
        apply_retention.delay()


@shared_task
def delete_old_staff_data() -> None:
    """Delete ended sessions, and requests to reset a password. The retention deletes what is kept for longer."""
    staff_sessions.delete_ended_sessions()
    password_reset.delete_old_requests()
