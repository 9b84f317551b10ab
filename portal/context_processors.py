from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, eq=False)
class Vendor:
    """Whose portal it is, as every page shows it. One object for each look, so that it is a quick key."""

    name: str
    logo: str
    color: str
    support_url: str
    support_email: str
    demo: bool


_vendor = lru_cache(maxsize=8)(Vendor)


def vendor(request: HttpRequest) -> dict[str, object]:
    """The vendor's name, logo and color, for every page."""
    shown = _vendor(
        name=settings.VENDOR_NAME,
        logo=settings.VENDOR_LOGO,
        color=settings.VENDOR_COLOR,
        support_url=settings.SUPPORT_URL,
        support_email=settings.SUPPORT_EMAIL,
        demo=settings.DEMO,
    )
    return {"vendor": shown, "demo": shown.demo}
