"""Errors of web processes and workers are mailed to those who run the portal, without data of persons.

A report names the class of the exception, the places in the code, the view or task, and the id of the request. It has
no message of an exception, no form, no cookie, no address, no URL and no value of a variable: all of these can quote a
person. The log has more.

`ErrorMailHandler` only puts a report into a queue. A thread of the process limits and mails them, so neither a slow
mail server nor a broken database delays a request.
"""

import atexit
import contextlib
import logging
import os
import queue
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import Error, connection
from django.utils import timezone
from django_guid import get_guid

from orders.rate_limits import Rate, RateLimit, consume

logger = logging.getLogger(__name__)

# The same place in the code is mailed this often, and all places together this often, by all processes together.
PLACE_RATE = Rate(short=1, long=8)
TOTAL_RATE = Rate(short=8, long=50)
# Without a database, each process limits its own: one report of a place in this time.
FALLBACK_SECONDS = 3600.0
MAIL_TIMEOUT = 5  # seconds
MAX_WAITING = 100  # reports of one process
MAX_PLACES = 12  # in one report, the innermost ones
END_TIMEOUT = 3.0  # seconds for the last report of a process that ends
# Anyone can cause these, with a wrong Host header or a changed cookie.
IGNORED_LOGGERS = ("django.security", __name__)


@dataclass(frozen=True)
class Report:
    """An error without data of persons. `places` are file:line and function, the innermost one last."""

    kind: str
    places: tuple[str, ...]
    logger_name: str
    where: str  # the view or the task
    request_id: str

    @property
    def key(self) -> str:
        """Errors with the same key are the same error."""
        return f"{self.kind} {self.logger_name} {self.where} {self.places[-1] if self.places else ''}"

    def text(self) -> str:
        places = "\n".join(f"  {place}" for place in self.places) or "  unknown"
        return (
            f"{self.kind}\n\n"
            f"In:       {self.where}\n"
            f"Request:  {self.request_id or 'none'}\n"
            f"Logger:   {self.logger_name}\n"
            f"Host:     {socket.gethostname()}, process {os.getpid()}\n"
            f"At:       {timezone.now():%Y-%m-%d %H:%M:%S} UTC\n\n"
            f"Places in the code, the innermost one last:\n{places}\n\n"
            "The message of the error is only in the log, because it may quote a person. Look for the id of the\n"
            f"request there. The same error is mailed at most {PLACE_RATE.short} time in 15 minutes and "
            f"{PLACE_RATE.long} times a day.\n"
        )


def make_report(record: logging.LogRecord) -> Report:
    """Take from a log record what is not about a person."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        kind = _class_name(error)
        places = tuple(_places(error.__traceback__))[-MAX_PLACES:]
    else:
        status = getattr(record, "status_code", None)
        kind = f"Status {status}" if status else f"{record.levelname} without an exception"
        places = (f"{_short(record.pathname)}:{record.lineno} {record.funcName}",)
    return Report(kind, places, record.name, _where(record), get_guid() or "")


def _class_name(error: BaseException) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _places(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield f"{_short(code.co_filename)}:{traceback.tb_lineno} {code.co_name}"
        traceback = traceback.tb_next


def _short(path: str) -> str:
    return path.removeprefix(f"{settings.BASE_DIR}/").rpartition("site-packages/")[2]


def _where(record: logging.LogRecord) -> str:
    """The name of the view, without its arguments, or of the task."""
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    if match is not None:
        return f"view {match.view_name}"
    data: Any = getattr(record, "data", None)  # of Celery
    return f"task {data['name']}" if isinstance(data, dict) and "name" in data else "none"


class ErrorMailHandler(logging.Handler):
    """Mails log records of errors to `ERROR_EMAILS`. Never raises, never waits."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(IGNORED_LOGGERS) or threading.current_thread() is _mailer.thread:
            return  # a report about a report would never end
        try:
            _mailer.add(make_report(record))
        except Exception:
            self.handleError(record)


class _Mailer:
    """The queue of this process and its thread, which starts with the first report: after the process was forked."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self._waiting: queue.Queue[Report] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def add(self, report: Report) -> None:
        with self._lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._work, name="error-mail", daemon=True)
                self.thread.start()
        with contextlib.suppress(queue.Full):  # a storm; the log has all of them
            self._waiting.put_nowait(report)

    def finish(self, seconds: float) -> None:
        """Wait until all reports are mailed or dropped, but not for longer than this."""
        deadline = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.02)

    def _work(self) -> None:
        while True:
            report = self._waiting.get()
            try:
                if self._may_be_mailed(report):
                    _mail(report)
            except (OSError, smtplib.SMTPException) as error:
                logger.warning("An error couldn't be mailed: %s", type(error).__name__)
            except Exception as error:  # the thread must go on
                logger.warning("An error couldn't be reported: %s", type(error).__name__)
            finally:
                self._waiting.task_done()

    def _may_be_mailed(self, report: Report) -> bool:
        """Count the report against the limits of all processes; if the database isn't there, against its own."""
        limits = [RateLimit("error_mail", report.key, PLACE_RATE), RateLimit("error_mail", "", TOTAL_RATE)]
        try:
            return consume(limits, timezone.now())
        except Error:
            now = time.monotonic()
            is_new = now - self._last.get(report.key, -FALLBACK_SECONDS) >= FALLBACK_SECONDS
            if is_new and len(self._last) < TOTAL_RATE.long:
                self._last[report.key] = now
                return True
            return False
        finally:
            connection.close()  # that of this thread


def _mail(report: Report) -> None:
    server = get_connection(timeout=MAIL_TIMEOUT)
    place = report.places[-1] if report.places else report.logger_name
    EmailMessage(
        subject=f"Error in {settings.VENDOR_NAME}: {report.kind} in {place}",
        body=report.text(),
        from_email=settings.SERVER_EMAIL,
        to=settings.ERROR_EMAILS,
        headers={"Auto-Submitted": "auto-generated"},
        connection=server,
    ).send()


def _new_mailer() -> None:
    """A forked process has its own queue, and no thread yet."""
    global _mailer
    _mailer = _Mailer()


def finish_mails(seconds: float = END_TIMEOUT) -> None:
    """Wait for the reports that this process has not mailed yet."""
    _mailer.finish(seconds)


_mailer = _Mailer()
os.register_at_fork(after_in_child=_new_mailer)


def start_error_mail() -> None:
    """Mail the errors of this process from now on."""
    handler = ErrorMailHandler(logging.ERROR)
    logging.getLogger().addHandler(handler)
    atexit.register(finish_mails)
