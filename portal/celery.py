"""The Celery application and its schedule, for workers and beat.

Web processes don't import it: they store work as rows in the database, and never talk to the broker. Tasks are in each
app's `tasks.py`.
"""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_scheduler = "portal.beat:LeasedScheduler"


@setup_logging.connect
def keep_log_settings(**_details: object) -> None:
    """Celery would replace the handlers of `LOGGING`, and with them LOG_FORMAT and the filter for tokens."""


def every(seconds: float, task: str) -> dict[str, Any]:
    """Run a task at this interval. Runs that no worker takes expire, so that they don't accumulate while the worker is
    stopped.
    """
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


def at(task: str, *, minute: str, hour: str = "*") -> dict[str, Any]:
    """Run a task every hour or day at this time."""
    return {"task": task, "schedule": crontab(minute=minute, hour=hour), "options": {"expires": 3600}}


app.conf.beat_schedule = {
    "deliver-due-mail": every(settings.DELIVERY_TICK_SECONDS, "notifications.tasks.deliver_due"),
    "send-refunds": every(settings.REFUND_TICK_SECONDS, "refunds.tasks.send_refunds"),
    "match-withdrawals": every(settings.WITHDRAWAL_TICK_SECONDS, "refunds.tasks.match_withdrawals"),
    "send-follow-ups": every(settings.FOLLOW_UP_TICK_SECONDS, "notifications.tasks.send_follow_ups"),
    "undo-imports": every(settings.UNDO_TICK_SECONDS, "intake.tasks.undo_requested_imports"),
    "update-orders-of-skus": every(settings.SKU_UPDATE_TICK_SECONDS, "intake.tasks.update_orders_of_skus"),
    "process-store-events": every(settings.STORE_EVENT_TICK_SECONDS, "intake.tasks.process_store_events"),
    "work-on-uploads": every(settings.IMPORT_UPLOAD_TICK_SECONDS, "intake.tasks.work_on_uploaded_files"),
    # All processes may be busy with email for about a minute. A heartbeat that waits for one still counts.
    "beat-heartbeat": every(settings.HEARTBEAT_SECONDS, "portal.tasks.heartbeat")
    | {"options": {"expires": settings.CELERY_TASK_TIME_LIMIT}},
    "purge-files": at("files.tasks.purge_files", minute="41"),
    "forget-old-attempts": at("orders.tasks.delete_old_access_data", minute="17"),
    "apply-retention": at("desk.tasks.apply_retention", hour="3", minute="57"),
    "forget-staff-data": at("desk.tasks.delete_old_staff_data", minute="7"),
    "forget-import-details": at("intake.tasks.delete_old_import_details", minute="33"),
}
