"""Pages that belong to no single app."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Shown if the CSRF check of a form fails: cookies are off, or the page is outdated."""
    return render(request, "portal/csrf_failure.html", status=403)
