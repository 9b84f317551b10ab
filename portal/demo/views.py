"""The demo's inbox. Its pages answer 404 unless the setting DEMO is on."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from portal.demo import mailbox

EMAILS_PER_PAGE = 50

HEAD_TAG = re.compile(r"<head[^>]*>", re.IGNORECASE)

View = Callable[..., Any]

# The HTML of an email is untrusted: it runs no scripts, sends no forms, and its links open in a new tab.
EMAIL_CONTENT_SECURITY_POLICY = {
    "default-src": [NONE],
    "img-src": [SELF, "data:"],
    "style-src": ["'unsafe-inline'"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def demo_only(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@demo_only
@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    page = Paginator(mailbox.list_file_names(settings.DEMO_MAIL_DIR), EMAILS_PER_PAGE).get_page(request.GET.get("page"))
    stored_emails = [_read_or_404(file_name) for file_name in page.object_list]
    return render(request, "portal/inbox.html", {"page": page, "stored_emails": stored_emails})


@demo_only
@require_safe
@never_cache
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # typed for views without arguments
def email(request: HttpRequest, file_name: str) -> HttpResponse:
    return render(request, "portal/email.html", {"stored_email": _read_or_404(file_name)})


@demo_only
@require_safe
@never_cache
@xframe_options_sameorigin
@csp(EMAIL_CONTENT_SECURITY_POLICY)  # type: ignore[arg-type]
def email_html(request: HttpRequest, file_name: str) -> HttpResponse:
    """The HTML part of an email, for the frame in the email's page."""
    html = _read_or_404(file_name).html
    if not html:
        raise Http404
    return HttpResponse(HEAD_TAG.sub(r'\g<0><base target="_blank">', html, count=1))


def _read_or_404(file_name: str) -> mailbox.StoredEmail:
    try:
        return mailbox.read_email(settings.DEMO_MAIL_DIR, file_name)
    except FileNotFoundError as error:
        raise Http404 from error
