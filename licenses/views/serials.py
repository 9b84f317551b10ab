"""Find a product and its installers by serial number. A public page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from licenses import serials
from licenses.download_panel import file_size
from licenses.forms import SerialForm
from licenses.models import InstallGuide, LicensedLine, Product, Release, SerialPrefix, normalize_serial
from licenses.models.downloads import Platform
from licenses.serials import RepairedSerial, SerialFormat
from orders import access
from orders.drafts import Draft
from orders.models import Order

UNPROCESSABLE = 422
# Characters of a serial number that a URL may contain: its beginning, never a whole one.
MAX_LENGTH_IN_URL = 4


@dataclass(frozen=True)
class CatalogRelease:
    pk: int
    platform: str
    version: str
    size: str


@dataclass(frozen=True)
class CatalogProduct:
    """A product with its prefixes and current installers."""

    product: Product
    prefixes: list[str]
    releases: list[CatalogRelease]
    has_guide: bool


@require_http_methods(["GET", "HEAD", "POST"])
def downloads(request: HttpRequest) -> HttpResponse:
    """Show the product of a serial number. A whole one is submitted by POST; its beginning may be in the URL.

    The response depends only on the format of the input, so it does not reveal whether such a license exists.
    """
    draft = Draft(request, SerialForm.form_name, page=reverse("licenses:downloads"))
    kept = draft.load() if request.method != "POST" else None
    is_sent = request.method == "POST"
    form = SerialForm(request.POST if is_sent else None)
    if kept is not None:
        is_sent = bool(kept.outcome.get("is_sent"))  # and then shown in another language
        form = SerialForm(kept.data) if is_sent else kept.show(SerialForm(kept.data))
    typed, refusal = "", ""
    if not is_sent:
        typed = request.GET.get("serial", "").strip()
        if len(typed) > MAX_LENGTH_IN_URL:
            typed, refusal = (
                "",
                gettext("To keep your serial number private, enter it here and not in the address of the page."),
            )
    elif form.is_valid():
        typed = form.cleaned_data["serial"]
    prefixes = list(SerialPrefix.objects.select_related("product").order_by("prefix"))
    answer = serials.repair(typed, prefixes) if typed else None
    products = _products(prefixes)
    content: dict[str, Any] = {
        "form": form,
        "language_forms": [draft.shown(form, {"is_sent": is_sent})],
        "refusal": refusal,
        "answer": answer,
        "is_whole": answer is not None and len(normalize_serial(typed)) > MAX_LENGTH_IN_URL,
        "found": next((each for each in products if answer and each.product == answer.product), None),
        "products": products,
    }
    if answer is not None and answer.format not in (SerialFormat.EMPTY, SerialFormat.INVALID):
        content["open_order"] = _open_order(request, answer)
    response = render(
        request, "licenses/downloads.html", content, status=UNPROCESSABLE if form.errors or refusal else 200
    )
    if typed or kept is not None:
        patch_cache_control(response, no_store=True, private=True)
    return response


def _products(prefixes: Sequence[SerialPrefix]) -> list[CatalogProduct]:
    """All products. Three queries."""
    by_product: dict[int, list[str]] = {}
    for prefix in prefixes:
        by_product.setdefault(prefix.product_id, []).append(prefix.prefix)
    releases: dict[int, list[CatalogRelease]] = {}
    for release in sorted(Release.objects.current(), key=lambda each: Platform.values.index(each.platform)):
        shown = CatalogRelease(
            release.pk, str(Platform(release.platform).label), release.version, file_size(release.size)
        )
        releases.setdefault(release.product_id, []).append(shown)
    guided = set(InstallGuide.objects.values_list("product_id", flat=True))
    return [
        CatalogProduct(product, by_product.get(product.pk, []), releases.get(product.pk, []), product.pk in guided)
        for product in Product.objects.all()
    ]


def _open_order(request: HttpRequest, answer: RepairedSerial) -> Order | None:
    """The order that is open in this session and has this serial number."""
    orders = access.fully_open_orders(request)
    if not orders:
        return None
    carrying = set(
        LicensedLine.objects.filter(license__serial_key=normalize_serial(answer.serial), order__in=orders).values_list(
            "order_id", flat=True
        )
    )
    return next((order for order in orders if order.pk in carrying), None)
