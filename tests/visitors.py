"""Requests of visitors, each with its own session."""

from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory


def visit(client: str = "192.0.2.1", path: str = "/", session_key: str | None = None) -> HttpRequest:
    """Return a request from this client IP; with a session key, in an existing session."""
    request = RequestFactory().get(path, REMOTE_ADDR=client)
    request.session = SessionStore(session_key)
    return request


def again(request: HttpRequest) -> HttpRequest:
    """The next request in the same session."""
    if request.session.modified:
        request.session.save()
    return visit(request.META["REMOTE_ADDR"], session_key=request.session.session_key)
