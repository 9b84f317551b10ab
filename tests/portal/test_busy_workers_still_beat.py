"""Workers that deliver mail without a pause are not called lost."""

from datetime import timedelta

from django.conf import settings

from notifications import delivery, outgoing
from portal.celery import app
from portal.models import Heartbeat

EXPIRES = app.conf.beat_schedule["beat-heartbeat"]["options"]["expires"]
# From a process's taking up a run of delivery to its taking up the next task.
LONGEST_RUN = delivery.RUN_SECONDS + outgoing.MAIL_TIMEOUTS * settings.EMAIL_TIMEOUT


def test_a_beat_outlives_the_longest_run_of_delivery() -> None:
    assert EXPIRES > LONGEST_RUN


def test_a_beat_that_waited_for_the_longest_run_still_comes_in_time() -> None:
    assert timedelta(seconds=LONGEST_RUN) < Heartbeat.LOST_AFTER


def test_beats_that_nobody_took_do_not_pile_up() -> None:
    assert EXPIRES <= 3 * settings.HEARTBEAT_SECONDS
