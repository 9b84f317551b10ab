from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


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
    """Add the vendor's name, logo and color to every template context."""
    current = Vendor(
        name=settings.VENDOR_NAME,
        logo=settings.VENDOR_LOGO,
        color=settings.VENDOR_COLOR,
        support_url=settings.SUPPORT_URL,
        support_email=settings.SUPPORT_EMAIL,
        demo=settings.DEMO,
    )
    return {"vendor": current, "demo": current.demo}
