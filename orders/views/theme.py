"""The vendor's color, as a stylesheet."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from orders import theme

YEAR = 365 * 24 * 3600  # seconds


@require_safe
def theme_stylesheet(request: HttpRequest, version: str) -> HttpResponse:
    """Its address changes with the color, so browsers keep it for a year."""
    response = HttpResponse(theme.stylesheet(), content_type="text/css")
    if version == theme.version():
        patch_cache_control(response, public=True, max_age=YEAR, immutable=True)
    else:
        patch_cache_control(response, no_cache=True)
    return response
