"""What must not stand in a log."""

import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

# Routes declare what they capture as a secret by `<token:…>`; see notifications/tokens.py.
_TOKEN = re.compile(r"<token:\w+>")
_OTHER_PARAMETER = re.compile(r"<[^>]+>")
_CAPTURED = r"[^/\s\"']+"


class HideTokens(logging.Filter):
    """Cuts tokens out of paths, as in the log line of a form that was refused: young ones open orders."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not apps.ready:  # nothing has been served so far
            return True
        text = record.getMessage()
        hidden = _tokens().sub(r"\1…", text)
        if hidden != text:
            record.msg, record.args = hidden, None
        return True


def token_routes() -> Iterator[str]:
    """The routes of the whole site that capture a token, as in `access/<token:token>/`."""
    return (route for route in _routes(get_resolver().url_patterns, "") if _TOKEN.search(route))


def _routes(patterns: Iterable[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for each in patterns:
        route = f"{before}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from _routes(each.url_patterns, route)
        else:
            yield route


@cache
def _tokens() -> re.Pattern[str]:
    """A token with what stands before it in its path."""
    starts = {_TOKEN.split(route)[0] for route in token_routes()}
    written = sorted(("/" + _CAPTURED.join(map(re.escape, _OTHER_PARAMETER.split(start))) for start in starts), key=len)
    return re.compile(f"({'|'.join(reversed(written))}){_CAPTURED}")
