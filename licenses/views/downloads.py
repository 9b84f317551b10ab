"""Issue download links to buyers with an open order, and serve installers to anyone with a link."""

from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from licenses import download_limits, download_links, offers
from licenses.download_links import ExpiredLink, InvalidLink
from licenses.download_panel import BLOCKED_TEXTS, availability_text
from licenses.entitlement import BlockReason
from licenses.models import Download, Release
from licenses.models.downloads import releases_storage
from licenses.models.licenses import CLOSED_STATUSES
from licenses.offers import Offer
from licenses.views import sending
from orders import formats
from orders.access import client_address, with_order
from orders.http import TOO_MANY_REQUESTS
from orders.models import Order

RETRY_AFTER = timedelta(minutes=1)
SERVER_ERROR = 503  # status code while the file can't be sent
private = cache_control(no_store=True, private=True)


# --- From the order --------------------------------------------------------------------------------------


@require_safe
@private
@with_order
def download(request: HttpRequest, order: Order, release_id: int) -> HttpResponse:
    """Redirect to a new link to an installer of the order, or say why it cannot be downloaded."""
    offered = offers.order_offers(order, timezone.now())
    offer = next((each for each in offered if any(release.pk == release_id for release in each.releases)), None)
    if offer is None:
        gone = _was_withdrawn(release_id, offered)
        return refusal_page(request, "withdrawn" if gone else "unknown", 410 if gone else 404, order=order)
    if not offer.entitlement.is_open:
        return refusal_page(
            request,
            "not_allowed",
            403,
            order=order,
            availability_text=availability_text(offer, order.locality),
            product=offer.product,
        )
    now = timezone.now()
    if not download_limits.may_issue_link(order, now):
        return _too_many(request, order, now)
    release = Release.objects.get(pk=release_id)
    issued = Download.objects.create(
        release=release, order=order, client=client_address(request), access_generation=order.access_generation
    )
    return HttpResponseRedirect(file_url(release, download_links.download_path(issued)))


def _too_many(request: HttpRequest, order: Order, now: datetime) -> HttpResponse:
    again_at = download_limits.allowed_again_at(order, now)
    wait = formats.wait(now, again_at)
    refused = refusal_page(request, "too_many_of_order", TOO_MANY_REQUESTS, order=order, wait=wait)
    refused["Retry-After"] = str(max(1, int((again_at - now).total_seconds())))
    return refused


def _was_withdrawn(release_id: int, offered: list[Offer]) -> bool:
    """Whether this is a withdrawn installer of one of the order's products. Reveals nothing about others."""
    products = [offer.entitlement.product_id for offer in offered]
    withdrawn = Release.objects.filter(product__in=products, withdrawn_at__isnull=False)
    return release_id in withdrawn.values_list("pk", flat=True)


def file_url(release: Release, signed_path: str) -> str:
    """The URL of an installer: a signed one of the object store or, without one, `signed_path` of our own view."""
    storage: Any = releases_storage()
    if isinstance(storage, FileSystemStorage):
        return signed_path
    parameters = {
        "ResponseContentDisposition": download_links.content_disposition(release.file_name),
        "ResponseContentType": sending.BINARY,
        "ResponseCacheControl": "private, no-store",
    }
    lifetime = int(download_links.LINK_LIFETIME.total_seconds())
    return str(storage.url(release.stored_name, parameters=parameters, expire=lifetime))


# --- From the link ---------------------------------------------------------------------------------------


@require_safe
@private
def installer(request: HttpRequest, token: str) -> HttpResponseBase:
    """Serve an installer or a range of it. The signed link is enough, without session or cookie."""
    try:
        issued = (
            Download.objects.select_related("release__product", "order")
            .filter(pk=download_links.read_download_token(token))
            .first()
        )
    except InvalidLink:
        issued = None
    except ExpiredLink as expired:
        download = Download.objects.select_related("order").filter(pk=expired.download_id).first()
        return refusal_page(request, "expired", 410, order=download.order if download else None)
    if issued is None:
        return refusal_page(request, "unknown", 404)
    if issued.is_revoked:
        return refusal_page(request, "expired", 410, order=issued.order)
    if issued.release.withdrawn_at is not None:
        return refusal_page(request, "withdrawn", 410, order=issued.order)
    if issued.order.status in CLOSED_STATUSES:
        reason = BLOCKED_TEXTS[BlockReason(CLOSED_STATUSES[issued.order.status])]
        return refusal_page(
            request, "not_allowed", 403, order=issued.order, availability_text=reason, product=issued.release.product
        )
    now = timezone.now()
    if request.method == "GET" and not download_limits.may_send(issued.order, now):
        return _too_many(request, issued.order, now)
    response = send_installer(request, issued.release, order=issued.order)
    if response.status_code < SERVER_ERROR and request.method == "GET" and issued.started_at is None:
        Download.objects.filter(pk=issued.pk, started_at=None).update(started_at=now)
    return response


def send_installer(
    request: HttpRequest, release: Release, *, order: Order | None = None, spare_slots: int = 0
) -> HttpResponseBase:
    """The installer or a range of it, or the page that says why it can't be sent now."""
    try:
        return sending.installer_response(request, release, spare_slots)
    except sending.FileUnavailable:
        return refusal_page(request, "out_of_reach", SERVER_ERROR, order=order)
    except sending.TooManyDownloads:
        busy = refusal_page(request, "busy", SERVER_ERROR, order=order)
        busy["Retry-After"] = str(int(RETRY_AFTER.total_seconds()))
        return busy


def refusal_page(request: HttpRequest, reason: str, status: int, **content: Any) -> HttpResponse:
    """Render the page that says why there is no download, and what to do."""
    return render(request, "licenses/download_refused.html", {"why": reason} | content, status=status)
