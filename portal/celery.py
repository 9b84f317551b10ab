"""The Celery application. Tasks live in each room's `tasks.py`."""

import os

from celery import Celery
from celery.signals import beat_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect
def beat_once_at_the_start(**_details: object) -> None:
    """Otherwise the first heartbeat would come half a minute after the start."""
    app.send_task("portal.tasks.heartbeat", expires=app.conf.task_time_limit)
