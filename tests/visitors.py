"""People in front of a browser, as requests with a session of their own."""

from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory


def visit(client: str = "192.0.2.1", path: str = "/", session_key: str | None = None) -> HttpRequest:
    """A request from this network address; with a session key, one of the same browser again."""
    request = RequestFactory().get(path, REMOTE_ADDR=client)
    request.session = SessionStore(session_key)
    return request


def again(request: HttpRequest) -> HttpRequest:
    """The same browser's next request, after the first was answered."""
    if request.session.modified:
        request.session.save()
    return visit(request.META["REMOTE_ADDR"], session_key=request.session.session_key)
