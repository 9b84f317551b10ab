"""The portal's own address, for mails: they are written outside any request."""

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse


def site_url(path: str = "/") -> str:
    """The absolute address of a path of ours, as `reverse()` gives it."""
    return f"{settings.SITE_URL}{path}"


def site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def page_path(name: str) -> str:
    """The path of a page that a room above has, by its name in SITE_PAGES: no room names a higher one's URL."""
    return reverse(settings.SITE_PAGES[name])
