"""Requests that were just sent from this browser: their status page begins with a confirmation, shown once."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

SESSION_KEY = "just_sent"
SHOWN_FOR = timedelta(minutes=30)


def remember(request: HttpRequest, reference: str) -> None:
    """Show the confirmation on the next page of this request."""
    request.session[SESSION_KEY] = {"reference": reference, "at": timezone.now().timestamp(), "shown_in": []}


def take(request: HttpRequest, reference: str) -> bool:
    """Whether to show the confirmation now: once, and once more in each other language that the reader switches to."""
    sent = request.session.get(SESSION_KEY)
    if not sent or sent["reference"] != reference or request.method != "GET":
        return False
    if timezone.now().timestamp() - sent["at"] > SHOWN_FOR.total_seconds() or get_language() in sent["shown_in"]:
        return False
    sent["shown_in"].append(get_language())
    request.session.modified = True
    return True
