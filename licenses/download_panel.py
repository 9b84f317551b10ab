"""The panel of the order page with the downloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel.units import format_unit
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses import offers
from licenses.entitlement import BlockReason, EntitlementSource, has_extended_service
from licenses.models.downloads import Platform
from licenses.offers import Offer, OfferedRelease
from orders import formats
from orders.localities import Locality
from orders.models import Order
from orders.panels import Panel

UNITS = ("digital-byte", "digital-kilobyte", "digital-megabyte", "digital-gigabyte")  # as CLDR names them

BLOCKED_TEXTS: dict[BlockReason, Any] = {
    BlockReason.OVER: _("Your download period ended on %(day)s. Your license is still valid."),
    BlockReason.RETURNED: _("You returned this item, so you can’t download it."),
    BlockReason.REVOKED: _("This license was revoked, so you can’t download it."),
    BlockReason.CANCELLED: _("This order was canceled, so you can’t download it."),
    BlockReason.REFUNDED: _("This order was refunded, so you can’t download it."),
    BlockReason.CHARGED_BACK: _("Your bank reversed the payment for this order, so you can’t download it."),
    BlockReason.PENDING: _("You can download it once your payment is confirmed."),
}
AVAILABLE_TEXTS: dict[EntitlementSource, Any] = {
    EntitlementSource.WINDOW: _("You can download it as often as you like until %(day)s."),
    EntitlementSource.STAFF: _("You can download it as often as you like until %(day)s."),
    EntitlementSource.EXTENDED: _(
        "You have the Extended Download Service, so you can download it as often as you like until %(day)s."
    ),
}


@dataclass(frozen=True)
class PanelRelease:
    """An installer, formatted for the page."""

    release: OfferedRelease
    platform: str
    size: str


@dataclass(frozen=True)
class PanelProduct:
    """A product of the order, with its installers or the reason why it cannot be downloaded."""

    offer: Offer
    availability_text: str
    current: list[PanelRelease] = field(default_factory=list)
    older: list[PanelRelease] = field(default_factory=list)

    @property
    def releases(self) -> list[PanelRelease]:
        return self.current + self.older

    @property
    def is_expired(self) -> bool:
        return self.offer.entitlement.block_reason is BlockReason.OVER

    @property
    def needs_support(self) -> bool:
        return self.offer.entitlement.block_reason in (BlockReason.RETURNED, BlockReason.REVOKED)


@dataclass(frozen=True)
class Downloads:
    """The panel's content. `products` is empty if only the Extended Download Service was bought."""

    products: list[PanelProduct]


def load_downloads(orders: Sequence[Order]) -> Mapping[int, Downloads]:
    """The panel of each order, by order id. One query for all orders."""
    loaded = offers.load_offers(orders, timezone.now())
    shown: dict[int, Downloads] = {}
    for order in orders:
        place = order.locality
        products = [_product(offer, place) for offer in loaded[order.pk] if offer.releases or offer.has_guide]
        if products or (not loaded[order.pk] and has_extended_service(order.items)):
            shown[order.pk] = Downloads(products)
    return shown


def availability_text(offer: Offer, place: Locality) -> str:
    """The sentence that says until when a product can be downloaded, or why it cannot."""
    entitlement = offer.entitlement
    sentence = (
        AVAILABLE_TEXTS[entitlement.source]
        if entitlement.block_reason is None
        else BLOCKED_TEXTS[entitlement.block_reason]
    )
    return sentence % {"day": formats.day(entitlement.last_day, place)}


def _product(offer: Offer, place: Locality) -> PanelProduct:
    if not offer.entitlement.is_open:
        return PanelProduct(offer, availability_text(offer, place))
    by_platform = sorted(offer.releases, key=lambda release: Platform.values.index(release.platform))
    releases = [(release.is_current, _release(release)) for release in by_platform]
    return PanelProduct(
        offer,
        availability_text(offer, place) if releases else "",
        current=[release for is_current, release in releases if is_current],
        older=[release for is_current, release in releases if not is_current],
    )


def _release(release: OfferedRelease) -> PanelRelease:
    return PanelRelease(release, str(Platform(release.platform).label), file_size(release.size))


def file_size(size: int) -> str:
    """Format a number of bytes in decimal units: 1.4 GB, in French 1,4 Go. The number and its unit stay together."""
    value, unit = float(size), 0
    while round(value, 1) >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    size_text = format_unit(round(value, 1 if unit else 0), UNITS[unit], "short", locale=formats.active_locale())
    return "\N{NO-BREAK SPACE}".join(size_text.split())


PANEL = Panel(
    name="downloads",
    position=15,
    load=load_downloads,
    template="licenses/_downloads.html",
    permissions=("licenses.view_download",),
)
