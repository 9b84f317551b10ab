"""Downloads: this room's second part of the order page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses import offers
from licenses.entitlement import By, WhyNot, has_extended_service
from licenses.models.downloads import Platform
from licenses.offers import Offer, OfferedRelease
from orders import formats
from orders.models import Order
from orders.panels import Panel

UNITS = ("B", "kB", "MB", "GB")

WHY_NOT: dict[WhyNot, Any] = {
    WhyNot.OVER: _("The time to download ended on %(day)s. Your license is not touched by that."),
    WhyNot.RETURNED: _("This item was returned, so its installer cannot be downloaded here any more."),
    WhyNot.REVOKED: _("This license was taken back, as after a refund, so there is nothing to download."),
    WhyNot.UNDONE: _("This order was undone, so there is nothing to download."),
    WhyNot.PENDING: _("You can download it as soon as the payment is confirmed. You need not do anything."),
}
UNTIL: dict[By, Any] = {
    By.WINDOW: _("You can download it until %(day)s, as often as you like."),
    By.EXTENDED: _("You can download it until %(day)s, as often as you like: you have the Extended Download Service."),
}


@dataclass(frozen=True)
class ShownRelease:
    """One installer as the buyer sees it."""

    release: OfferedRelease
    platform: str
    size: str


@dataclass(frozen=True)
class ShownProduct:
    """One product of the order, with its installers or why there are none."""

    offer: Offer
    words: str
    current: list[ShownRelease] = field(default_factory=list)
    older: list[ShownRelease] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.offer.entitlement.why_not is WhyNot.OVER

    @property
    def needs_support(self) -> bool:
        return self.offer.entitlement.why_not in (WhyNot.RETURNED, WhyNot.REVOKED)


@dataclass(frozen=True)
class Downloads:
    """What the order page says about downloads. `products` is empty where only the service was bought."""

    products: list[ShownProduct]


def load(orders: Sequence[Order]) -> Mapping[int, Downloads]:
    """What each order shows, with one query for all."""
    loaded = offers.load(orders, timezone.now())
    shown: dict[int, Downloads] = {}
    for order in orders:
        products = [_product(offer) for offer in loaded[order.pk] if offer.releases or offer.has_guide]
        if products or (not loaded[order.pk] and has_extended_service(order.items)):
            shown[order.pk] = Downloads(products)
    return shown


def words(offer: Offer) -> str:
    """Until when this can be downloaded, or why not."""
    verdict = offer.entitlement
    sentence = UNTIL[verdict.by] if verdict.why_not is None else WHY_NOT[verdict.why_not]
    return sentence % {"day": formats.day(verdict.last_day)}


def _product(offer: Offer) -> ShownProduct:
    if not offer.entitlement.is_open:
        return ShownProduct(offer, words(offer))
    releases = [(release.is_current, _release(release)) for release in offer.releases]
    return ShownProduct(
        offer,
        words(offer) if releases else "",
        current=[release for is_current, release in releases if is_current],
        older=[release for is_current, release in releases if not is_current],
    )


def _release(release: OfferedRelease) -> ShownRelease:
    return ShownRelease(release, str(Platform(release.platform).label), file_size(release.size))


def file_size(size: int) -> str:
    """A number of bytes as downloads are called: 1.4 GB, with a thousand to each unit."""
    value, unit = float(size), 0
    while round(value, 1) >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    number = format_decimal(round(value, 1 if unit else 0), locale=formats.active_locale())
    return f"{number}\N{NO-BREAK SPACE}{UNITS[unit]}"


PANEL = Panel(name="downloads", position=15, load=load, template="licenses/_downloads.html")
