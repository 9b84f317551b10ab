"""Downloads without an order, of the current installers of products for which staff allow it."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from licenses import download_links
from licenses.download_links import ExpiredPublicLink, InvalidLink
from licenses.models import Release
from licenses.views.downloads import file_url, private, refusal_page, send_installer
from orders.access import client_address
from orders.http import TOO_MANY_REQUESTS
from orders.rate_limits import SHORT_WINDOW, Rate, RateLimit, consume

# Links issued to one client: more than one needs, even behind a shared address.
CLIENT_RATE = Rate(short=20, long=100)
# Simultaneous downloads in each process that are reserved for buyers.
SPARE_SLOTS = 1


@require_safe
@private
def public_download(request: HttpRequest, release_id: int) -> HttpResponse:
    """Redirect to a new signed link. Releases that aren't public get the same response as unknown ones."""
    current = Release.objects.current().filter(product__public_download=True)
    release = current.filter(pk=release_id).first()
    if release is None:
        return refusal_page(request, "not_public", 404)
    if not consume([RateLimit("public-download", client_address(request), CLIENT_RATE)], timezone.now()):
        refused = refusal_page(request, "too_many", TOO_MANY_REQUESTS)
        refused["Retry-After"] = str(int(SHORT_WINDOW.total_seconds()))
        return refused
    return HttpResponseRedirect(file_url(release, download_links.public_download_path(release)))


@require_safe
@private
def public_installer(request: HttpRequest, token: str) -> HttpResponseBase:
    """Serve an installer or a range of it, as long as it is public and not withdrawn."""
    try:
        release_id = download_links.read_public_token(token)
    except InvalidLink:
        return refusal_page(request, "not_public", 404)
    except ExpiredPublicLink:
        return refusal_page(request, "public_expired", 410)
    release = Release.objects.published().select_related("product").filter(pk=release_id).first()
    if release is None or not release.product.public_download:
        return refusal_page(request, "not_public", 404)
    if release.withdrawn_at is not None:
        return refusal_page(request, "public_withdrawn", 410)
    return send_installer(request, release, spare_slots=SPARE_SLOTS)
