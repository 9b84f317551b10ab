"""A stylesheet with the vendor's color, so that no page needs an inline style.

The color of text and focus rings is adjusted to the contrast of WCAG AA for any vendor color.
"""

import hashlib
from functools import lru_cache

from django.conf import settings
from django.urls import reverse

from notifications.colors import readable_on, text_on

# The backgrounds with the least contrast, from static/css/portal.css: the soft grounds of both schemes.
LIGHT_BACKGROUND = "#f3f5f8"
DARK_BACKGROUND = "#1d2228"


@lru_cache
def _stylesheet(color: str) -> str:
    return (
        f":root{{--brand:{color};--brand-text:{text_on(color)};--brand-ink:{readable_on(LIGHT_BACKGROUND, color)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{--brand-ink:{readable_on(DARK_BACKGROUND, color)}}}}}"
    )


def stylesheet() -> str:
    return _stylesheet(settings.VENDOR_COLOR)


def version() -> str:
    """Return a digest of the stylesheet, for its URL."""
    return hashlib.sha256(stylesheet().encode()).hexdigest()[:12]


def url() -> str:
    return reverse("orders:theme", args=[version()])
