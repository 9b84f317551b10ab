"""From the order to the installer: a link for whoever has the order open, and the bytes for whoever has the link."""

from datetime import timedelta
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from licenses import download_links, offers
from licenses.download_links import Expired, Forged
from licenses.download_panel import words
from licenses.models import Download, Release
from licenses.models.downloads import releases_storage
from licenses.offers import Offer
from licenses.views import sending
from orders.access import client_address, with_order
from orders.models import Order

TRY_AGAIN_AFTER = timedelta(minutes=1)
private = cache_control(no_store=True, private=True)


# --- From the order --------------------------------------------------------------------------------------


@require_safe
@private
@with_order
def download(request: HttpRequest, order: Order, release_id: int) -> HttpResponse:
    """Issue a link to an installer that the order offers now; else say why there is none."""
    offered = offers.of(order, timezone.now())
    offer = next((each for each in offered if any(release.pk == release_id for release in each.releases)), None)
    if offer is None:
        gone = _was_withdrawn(release_id, offered)
        return _refused(request, "withdrawn" if gone else "unknown", 410 if gone else 404, order=order)
    if not offer.entitlement.is_open:
        return _refused(request, "not_allowed", 403, order=order, words=words(offer), product=offer.product)
    release = Release.objects.get(pk=release_id)
    issued = Download.objects.create(release=release, order=order, client=client_address(request))
    return HttpResponseRedirect(_address_of(issued))


def _was_withdrawn(release_id: int, offered: list[Offer]) -> bool:
    """Whether this was an installer of one of the order's products; of others nothing is told."""
    products = [offer.entitlement.product_id for offer in offered]
    withdrawn = Release.objects.filter(product__in=products, withdrawn_at__isnull=False)
    return release_id in withdrawn.values_list("pk", flat=True)


def _address_of(issued: Download) -> str:
    """Where the bytes are: in an object store, which signs its own links, or here."""
    storage: Any = releases_storage()
    if isinstance(storage, FileSystemStorage):
        return download_links.path_for(issued)
    wanted = {
        "ResponseContentDisposition": download_links.disposition(issued.release.file_name),
        "ResponseContentType": sending.BINARY,
        "ResponseCacheControl": "private, no-store",
    }
    good_for = int(download_links.GOOD_FOR.total_seconds())
    return str(storage.url(issued.release.stored_name, parameters=wanted, expire=good_for))


# --- From the link ---------------------------------------------------------------------------------------


@require_safe
@private
def installer(request: HttpRequest, token: str) -> HttpResponseBase:
    """The bytes of an installer, or of a part of it. Neither session nor cookie is looked at."""
    try:
        issued = Download.objects.select_related("release", "order").filter(pk=download_links.read(token)).first()
    except Forged:
        issued = None
    except Expired as expired:
        late = Download.objects.select_related("order").filter(pk=expired.download_id).first()
        return _refused(request, "expired", 410, order=late.order if late else None)
    if issued is None:
        return _refused(request, "unknown", 404)
    if issued.release.withdrawn_at is not None:
        return _refused(request, "withdrawn", 410, order=issued.order)
    try:
        response = sending.response(request, issued.release)
    except sending.OutOfReach:
        return _refused(request, "out_of_reach", 503, order=issued.order)
    except sending.Busy:
        busy = _refused(request, "busy", 503, order=issued.order)
        busy["Retry-After"] = str(int(TRY_AGAIN_AFTER.total_seconds()))
        return busy
    if request.method == "GET" and issued.started_at is None:
        Download.objects.filter(pk=issued.pk, started_at=None).update(started_at=timezone.now())
    return response


def _refused(request: HttpRequest, why: str, status: int, **content: Any) -> HttpResponse:
    """A page that says what to do."""
    return render(request, "licenses/download_refused.html", {"why": why} | content, status=status)
