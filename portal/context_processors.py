from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.http import HttpRequest

from orders import access


@dataclass(frozen=True)
class Vendor:
    """The vendor as shown on every page. Its repr is part of the keys of cached fragments."""

    name: str
    logo: str
    color: str
    support_url: str
    support_email: str
    demo: bool


def vendor(request: HttpRequest) -> dict[str, object]:
    """Add what every page shows to its context: the vendor, and whether to offer *My orders*."""
    current = Vendor(
        name=settings.VENDOR_NAME,
        logo=settings.VENDOR_LOGO,
        color=settings.VENDOR_COLOR,
        support_url=settings.SUPPORT_URL,
        support_email=settings.SUPPORT_EMAIL,
        demo=settings.DEMO,
    )
    return {"vendor": current, "demo": current.demo, "has_open_orders": partial(access.has_open_orders, request)}
