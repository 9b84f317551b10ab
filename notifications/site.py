"""The portal's URL, for emails, which are rendered outside of requests."""

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse


def site_url(path: str = "/") -> str:
    """The absolute URL of a path from `reverse()`."""
    return f"{settings.SITE_URL}{path}"


def site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def page_path(name: str) -> str:
    """Return the path of a page by its name in SITE_PAGES, so that apps don't depend on the URLs of higher apps."""
    return reverse(settings.SITE_PAGES[name])
