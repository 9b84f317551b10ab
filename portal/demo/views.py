"""The demo's inbox, as a mail program would show it. Outside a demo none of this exists."""

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

MAILS_A_PAGE = 50

HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)

View = Callable[..., Any]

# A mail is a stranger's page: it may be looked at, and its links open in a tab of their own; nothing else.
MAIL_POLICY = {
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
    page = Paginator(mailbox.names(settings.DEMO_MAIL_DIR), MAILS_A_PAGE).get_page(request.GET.get("page"))
    letters = [_letter(name) for name in page.object_list]
    return render(request, "portal/inbox.html", {"page": page, "letters": letters})


@demo_only
@require_safe
@never_cache
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # typed for views without arguments
def mail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "portal/mail.html", {"letter": _letter(name)})


@demo_only
@require_safe
@never_cache
@xframe_options_sameorigin
@csp(MAIL_POLICY)  # type: ignore[arg-type]
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """The mail's own HTML, for the frame in its page."""
    html = _letter(name).html
    if not html:
        raise Http404
    return HttpResponse(HEAD.sub(r'\g<0><base target="_blank">', html, count=1))


def _letter(name: str) -> mailbox.Letter:
    try:
        return mailbox.read(settings.DEMO_MAIL_DIR, name)
    except FileNotFoundError as error:
        raise Http404 from error
