"""The vendor's color as a stylesheet of its own, so that no page needs an inline style.

Text and focus rings are brought to the contrast of WCAG AA whatever color a vendor chose.
"""

import hashlib
from functools import lru_cache

from django.conf import settings
from django.urls import reverse

from notifications.colors import readable_on, text_on

# What text stands on, at its worst: the page in light mode, the sheets in dark; as in static/css/portal.css.
LIGHT_GROUND = "#f3f5f8"
DARK_GROUND = "#1d2127"


@lru_cache
def _stylesheet(color: str) -> str:
    return (
        f":root{{--brand:{color};--brand-text:{text_on(color)};--brand-ink:{readable_on(LIGHT_GROUND, color)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{--brand-ink:{readable_on(DARK_GROUND, color)}}}}}"
    )


def stylesheet() -> str:
    return _stylesheet(settings.VENDOR_COLOR)


def version() -> str:
    """Changes when the stylesheet does."""
    return hashlib.sha256(stylesheet().encode()).hexdigest()[:12]


def url() -> str:
    return reverse("orders:theme", args=[version()])
