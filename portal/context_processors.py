from django.conf import settings
from django.http import HttpRequest


def vendor(request: HttpRequest) -> dict[str, object]:
    """The vendor's name, logo and colour, for every page."""
    return {
        "vendor": {
            "name": settings.VENDOR_NAME,
            "logo": settings.VENDOR_LOGO,
            "color": settings.VENDOR_COLOR,
            "support_url": settings.SUPPORT_URL,
            "support_email": settings.SUPPORT_EMAIL,
        },
        "demo": settings.DEMO,
    }
