"""Who may open which thread: the browser that wrote it, and whoever reads the mailbox of its address.

What was opened stands in the server-side session beside the orders, and ends as they do (orders/access).
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders import access
from orders.access import LinkResult
from orders.rate_limits import Rate, RateLimit, consume
from support.models import Thread, ThreadLink
from support.services import threads

# Links asked for by one client; above what a household or an office needs.
CLIENT_RATE = Rate(short=20, long=100)
# So long the same letter sent again opens the thread that it opened first: a second click, a page sent anew.
SAME_LETTER = timedelta(minutes=30)
CLOSED = 403

View = Callable[..., HttpResponse]


def _name(thread: Thread) -> str:
    return f"thread:{thread.pk}"


def grant(request: HttpRequest, thread: Thread) -> None:
    access.grant_resource_access(request, _name(thread), access.Method.LINK)


def grant_writer(request: HttpRequest, thread: Thread, *, is_new: bool) -> None:
    """Open a thread to whoever just wrote it, also where the letter came twice."""
    if is_new or thread.created_at > timezone.now() - SAME_LETTER:
        grant(request, thread)


def with_thread(view: View) -> View:
    """Give a view of `<slug:reference>` its thread, as `view(request, thread)`.

    Without access, and without such a thread, the answer is one and the same: a page that mails a link.
    """

    @wraps(view)
    def guarded(request: HttpRequest, reference: str, **kwargs: Any) -> HttpResponse:
        threads_found = Thread.objects.select_related("order__store", "charge_claim")
        thread = threads_found.filter(reference=reference.upper()).first()
        if thread is None or not access.has_resource_access(request, _name(thread)):
            return render(request, "support/thread_closed.html", {"reference": reference.upper()}, status=CLOSED)
        return view(request, thread, **kwargs)

    return guarded


def open_link(request: HttpRequest, token: str) -> tuple[LinkResult, Thread | None]:
    """Use an emailed link up, and open its thread."""
    link = ThreadLink.get_by_token(token)
    if link is None:
        return LinkResult.INVALID, None
    if link.mark_used(timezone.now()):
        grant(request, link.thread)
        return LinkResult.OPENED, link.thread
    if access.has_resource_access(request, _name(link.thread)):
        return LinkResult.OPENED, link.thread  # the second click on the same button
    return LinkResult.USED_OR_EXPIRED, None


def ask_for_link(request: HttpRequest, reference: str) -> bool:
    """Mail a link to the address of this thread, if there is one. False where this client asks too often."""
    if not _may_ask(request):
        return False
    thread = Thread.objects.filter(reference=reference.upper()).first()
    if thread is not None:
        threads.send_link(thread)
    return True


def renew_link(request: HttpRequest, link: ThreadLink) -> bool:
    """As `ask_for_link`, for whoever holds an old link: they have read that mailbox."""
    if not _may_ask(request):
        return False
    threads.send_link(link.thread)
    return True


def _may_ask(request: HttpRequest) -> bool:
    client = access.client_address(request)
    return consume([RateLimit("client-thread-link", client, CLIENT_RATE)], timezone.now())
