"""Access to threads: for the browser that sent the first message, and for anyone who opens an emailed link.

Grants are kept in the server-side session together with those for orders, and expire with them (orders/access).
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

# Links requested by one client: more than a household or an office needs.
CLIENT_RATE = Rate(short=20, long=100)
# How long submitting the same form again, by a double click or a reload, opens the thread that it created.
RESUBMISSION_WINDOW = timedelta(minutes=30)
NO_ACCESS_STATUS = 403

View = Callable[..., HttpResponse]


def _grant_name(thread: Thread) -> str:
    return f"thread:{thread.pk}"


def grant_access(request: HttpRequest, thread: Thread) -> None:
    access.grant_resource_access(request, _grant_name(thread), access.Method.LINK, thread.order)


def grant_access_to_sender(request: HttpRequest, thread: Thread, *, is_new: bool) -> None:
    """Grant access to the person who has just submitted the thread's first message, even if it was submitted twice."""
    if is_new or thread.created_at > timezone.now() - RESUBMISSION_WINDOW:
        grant_access(request, thread)


def with_thread(view: View) -> View:
    """View decorator: load the thread of `<slug:reference>`, check access, and call `view(request, thread)`.

    Without access, the response is a page that offers to email a link. An unknown reference gets the same page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, reference: str, **kwargs: Any) -> HttpResponse:
        queryset = Thread.objects.select_related("order__store", "charge_claim", "merged_into")
        thread = queryset.filter(reference=reference.upper()).first()
        if thread is None or not access.has_resource_access(request, _grant_name(thread), thread.order):
            return render(
                request, "support/thread_no_access.html", {"reference": reference.upper()}, status=NO_ACCESS_STATUS
            )
        return view(request, thread, **kwargs)

    return guarded


def open_link(request: HttpRequest, token: str) -> tuple[LinkResult, Thread | None]:
    """Use an emailed link. Returns the result, and the thread if access to it was granted."""
    link = ThreadLink.get_by_token(token)
    if link is None:
        return LinkResult.INVALID, None
    now = timezone.now()
    if not threads.is_suspect(link.thread) and not _is_older_than_ended_access(link) and link.mark_used(now):
        Thread.objects.filter(pk=link.thread_id, email_proven_at=None).update(email_proven_at=now)
        grant_access(request, link.thread)
        return LinkResult.OPENED, link.thread
    if access.has_resource_access(request, _grant_name(link.thread), link.thread.order):
        return LinkResult.OPENED, link.thread  # a double click
    return LinkResult.USED_OR_EXPIRED, None


def _is_older_than_ended_access(link: ThreadLink) -> bool:
    """Whether all access to the thread's order was ended after the link was created."""
    order = link.thread.order
    return order is not None and order.access_ended_at is not None and link.created_at <= order.access_ended_at


def request_link(request: HttpRequest, reference: str) -> bool:
    """Email a link to the address of this thread, if it exists. Returns False if the client's limit is exceeded."""
    if not _consume_client_rate(request):
        return False
    thread = Thread.objects.filter(reference=reference.upper()).first()
    if thread is not None:
        threads.send_link(thread)
    return True


def renew_link(request: HttpRequest, link: ThreadLink) -> bool:
    """Like `request_link`, for the thread of an expired or used link."""
    if not _consume_client_rate(request):
        return False
    threads.send_link(link.thread)
    return True


def _consume_client_rate(request: HttpRequest) -> bool:
    client = access.client_address(request)
    return consume([RateLimit("client-thread-link", client, CLIENT_RATE)], timezone.now())
