"""The Celery application and its schedule, for workers and beat.

Web processes do not import it: they leave work as rows in the database, and never talk to the broker.
Tasks are in each app's `tasks.py`.
"""

import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "deliver-due-mail": {
        "task": "notifications.tasks.deliver_due",
        "schedule": settings.DELIVERY_TICK_SECONDS,
        # Ticks that nobody took must not pile up behind a stopped worker.
        "options": {"expires": settings.DELIVERY_TICK_SECONDS},
    },
    "send-refunds": {
        "task": "refunds.tasks.send_refunds",
        "schedule": settings.REFUND_TICK_SECONDS,
        "options": {"expires": settings.REFUND_TICK_SECONDS},
    },
    "match-withdrawals": {
        "task": "refunds.tasks.match_withdrawals",
        "schedule": settings.WITHDRAWAL_TICK_SECONDS,
        "options": {"expires": settings.WITHDRAWAL_TICK_SECONDS},
    },
    "send-follow-ups": {
        "task": "notifications.tasks.send_follow_ups",
        "schedule": settings.FOLLOW_UP_TICK_SECONDS,
        "options": {"expires": settings.FOLLOW_UP_TICK_SECONDS},
    },
    "undo-imports": {
        "task": "intake.tasks.undo_requested_imports",
        "schedule": settings.UNDO_TICK_SECONDS,
        "options": {"expires": settings.UNDO_TICK_SECONDS},
    },
    "update-orders-of-skus": {
        "task": "intake.tasks.update_orders_of_skus",
        "schedule": settings.SKU_UPDATE_TICK_SECONDS,
        "options": {"expires": settings.SKU_UPDATE_TICK_SECONDS},
    },
    "process-store-events": {
        "task": "intake.tasks.process_store_events",
        "schedule": settings.STORE_EVENT_TICK_SECONDS,
        "options": {"expires": settings.STORE_EVENT_TICK_SECONDS},
    },
    "work-on-uploads": {
        "task": "intake.tasks.work_on_uploaded_files",
        "schedule": settings.IMPORT_UPLOAD_TICK_SECONDS,
        "options": {"expires": settings.IMPORT_UPLOAD_TICK_SECONDS},
    },
    "beat-heartbeat": {
        "task": "portal.tasks.heartbeat",
        "schedule": settings.HEARTBEAT_SECONDS,
        # Every process may be busy with email for about a minute; a beat that waits for one still counts.
        "options": {"expires": settings.CELERY_TASK_TIME_LIMIT},
    },
    "purge-files": {
        "task": "files.tasks.purge_files",
        "schedule": crontab(minute="41"),
        "options": {"expires": 3600},
    },
    "forget-old-thread-links": {
        "task": "support.tasks.delete_old_links",
        "schedule": crontab(minute="27"),
        "options": {"expires": 3600},
    },
    "forget-failed-searches": {
        "task": "support.tasks.delete_old_failed_searches",
        "schedule": crontab(hour="3", minute="47"),
        "options": {"expires": 3600},
    },
    "forget-old-attempts": {
        "task": "orders.tasks.delete_old_access_data",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3600},
    },
    "forget-activation-events": {
        "task": "licenses.tasks.delete_old_activation_events",
        "schedule": crontab(minute="23"),
        "options": {"expires": 3600},
    },
    "forget-import-details": {
        "task": "intake.tasks.delete_old_import_details",
        "schedule": crontab(minute="33"),
        "options": {"expires": 3600},
    },
}


@beat_init.connect
def send_first_heartbeat(**_kwargs: object) -> None:
    """Send a heartbeat at the start, because the scheduler sends its first one only after an interval."""
    app.send_task("portal.tasks.heartbeat", expires=app.conf.task_time_limit)
