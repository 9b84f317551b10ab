"""Pages that belong to no room."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its proof that it is ours: cookies are off, or the page is an old one."""
    return render(request, "portal/csrf_failure.html", status=403)
