"""Log lines: access tokens are removed, bad requests and requests without a database take one line each, lines of a
request have its id, and JSON has a fixed set of fields.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from copy import copy
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.urls import URLPattern, URLResolver, get_resolver
from pythonjsonlogger.json import JsonFormatter

# Routes capture secrets with the path converter `<token:…>`; see notifications/tokens.py.
_TOKEN = re.compile(r"<token:\w+>")
_OTHER_PARAMETER = re.compile(r"<[^>]+>")
_CAPTURED = r"[^/\s\"']+"


class HideTokens(logging.Filter):
    """Replaces tokens in logged paths by "…", because a token that has not expired opens orders."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not apps.ready:  # no request has been served yet, and the URL configuration can't be loaded
            return True
        text = record.getMessage()
        hidden = _token_pattern().sub(r"\1…", text)
        if hidden != text:
            record.msg, record.args = hidden, None
        return True


class OneLineForBadRequests(logging.Filter):
    """Leaves out the traceback of requests that anyone can send, such as one with a wrong Host header."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, SuspiciousOperation):
            record.exc_info, record.exc_text = None, None
        return True


def _shortened(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy without the traceback if the database can't be reached: it would be the same for every request.

    A copy, because other handlers need the error.
    """
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, OperationalError | InterfaceError) or getattr(error.__cause__, "pgcode", None):
        return record
    short = copy(record)
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    short.msg, short.args = "%s: %s", (record.getMessage(), reason)
    short.exc_info, short.exc_text = None, None
    return short


class TextLines(logging.Formatter):
    """Writes lines to read. That of a request ends with its id, which the error page shows."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(_shortened(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        request_id = getattr(record, "request_id", None)
        return super().formatMessage(record) + (f" [{request_id}]" if request_id else "")


class JsonLines(JsonFormatter):
    """Writes only the known fields. Others, such as Django's `request`, would repeat the URL with its token."""

    FIELDS = ("time", "level", "logger", "message", "request_id", "exc_info", "stack_info")

    def __init__(self, *args: Any, **options: Any) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__("{asctime}{levelname}{name}{message}{request_id}", style="{", rename_fields=names)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(_shortened(record))

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: log_data[name] for name in self.FIELDS if name in log_data}


def token_routes() -> Iterator[str]:
    """Yield the routes of all apps that capture a token, such as `access/<token:token>/`."""
    return (route for route in _routes(get_resolver().url_patterns, "") if _TOKEN.search(route))


def _routes(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for each in patterns:
        route = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from _routes(each.url_patterns, route)
        else:
            yield route


@cache
def _token_pattern() -> re.Pattern[str]:
    """Match a token together with the path before it, longest paths first."""
    prefixes = {_TOKEN.split(route)[0] for route in token_routes()}
    patterns = ["/" + _CAPTURED.join(map(re.escape, _OTHER_PARAMETER.split(prefix))) for prefix in prefixes]
    patterns.sort(key=len, reverse=True)
    return re.compile(f"({'|'.join(patterns)}){_CAPTURED}")
