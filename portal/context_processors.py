from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, eq=False)
class Vendor:
    """The vendor as shown on every page. Compared by identity, because it is part of cache keys."""

    name: str
    logo: str
    color: str
    support_url: str
    support_email: str
    demo: bool


_get_vendor = lru_cache(maxsize=8)(Vendor)


def vendor(request: HttpRequest) -> dict[str, object]:
    """Add the vendor's name, logo and color to every template context."""
    current = _get_vendor(
        name=settings.VENDOR_NAME,
        logo=settings.VENDOR_LOGO,
        color=settings.VENDOR_COLOR,
        support_url=settings.SUPPORT_URL,
        support_email=settings.SUPPORT_EMAIL,
        demo=settings.DEMO,
    )
    return {"vendor": current, "demo": current.demo}
