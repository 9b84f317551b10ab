"""Pages that belong to no single app."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django_guid import get_guid


def server_error(request: HttpRequest) -> HttpResponse:
    """Shown after an error in the portal. The id is in the log lines of the request."""
    return HttpResponse(loader.render_to_string("500.html", {"request_id": get_guid()}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Shown if the CSRF check of a form fails: cookies are off, or the page is outdated."""
    return render(request, "portal/csrf_failure.html", status=403)
