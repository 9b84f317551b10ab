"""Celery's scheduler with a lease in PostgreSQL: any number of beats may run, and one at a time starts tasks.

The others wait. If the process that has the lease ends, it gives it up; if it is killed or loses its database, another
one takes over within LEASE_SECONDS. Two schedulers at the same moment would do no harm, because tasks claim their rows,
but they would double the work.
"""

import logging
import os
import secrets
import socket
import time
from typing import Any

from celery.beat import PersistentScheduler
from django.db import DatabaseError, close_old_connections

from portal.models import SchedulerLease

LEASE_SECONDS = 20
RENEWAL_SECONDS = 5
WAIT_SECONDS = 2.0  # how often a waiting scheduler looks

logger = logging.getLogger(__name__)


class LeasedScheduler(PersistentScheduler):
    """Runs due tasks only while it has the lease."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.holder = f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leased_until = 0.0  # by this process's monotonic clock
        self._renew_at = 0.0
        self._has_said_that_it_waits = False
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Start what is due, if this process has the lease. Returns the seconds until the next call."""
        if time.monotonic() >= self._renew_at:
            self._take_or_renew()
        now = time.monotonic()
        if now >= self._leased_until:
            return WAIT_SECONDS
        delay = float(super().tick(*args, **kwargs))
        return max(0.0, min(delay, self._renew_at - now))

    def _take_or_renew(self) -> None:
        asked_at = time.monotonic()
        had_it = asked_at < self._leased_until
        try:
            close_old_connections()
            has_it = SchedulerLease.take(self.holder, LEASE_SECONDS)
        except DatabaseError as error:
            # The lease lasts until its time is up, also if the database is restarted in between.
            reason = (str(error).splitlines() or [""])[0]
            logger.warning("The scheduler can't reach its lease in the database: %s", reason)
            self._renew_at = asked_at + WAIT_SECONDS
            return
        if has_it and not had_it:
            logger.info("This scheduler starts the tasks.")
            self.app.send_task("portal.tasks.heartbeat", expires=self.app.conf.task_time_limit)
        if not has_it and not self._has_said_that_it_waits:
            logger.info("Another scheduler starts the tasks. This one waits.")
        self._has_said_that_it_waits = not has_it
        self._leased_until = asked_at + LEASE_SECONDS if has_it else 0.0
        self._renew_at = asked_at + (RENEWAL_SECONDS if has_it else WAIT_SECONDS)

    def close(self) -> None:
        """Save the schedule, and let another scheduler take over at once."""
        super().close()
        try:
            close_old_connections()
            SchedulerLease.give_up(self.holder)
        except DatabaseError:
            logger.warning("The scheduler can't give up its lease, which ends within %s s.", LEASE_SECONDS)
