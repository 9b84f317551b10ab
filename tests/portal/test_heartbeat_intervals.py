"""The heartbeat must not look stale while workers are busy with a long delivery run."""

from datetime import timedelta

from django.conf import settings

from notifications import delivery, outgoing
from portal.celery import app
from portal.models import Heartbeat

EXPIRES = app.conf.beat_schedule["beat-heartbeat"]["options"]["expires"]
# How long one delivery run can keep a worker process from its next task.
MAX_DELIVERY_SECONDS = delivery.RUN_SECONDS + outgoing.MAIL_TIMEOUTS * settings.EMAIL_TIMEOUT


def test_a_heartbeat_expires_after_the_longest_delivery_run() -> None:
    assert EXPIRES > MAX_DELIVERY_SECONDS


def test_a_heartbeat_delayed_by_the_longest_delivery_run_is_not_stale() -> None:
    assert timedelta(seconds=MAX_DELIVERY_SECONDS) < Heartbeat.STALE_AFTER


def test_unprocessed_heartbeats_expire() -> None:
    assert EXPIRES <= 3 * settings.HEARTBEAT_SECONDS
