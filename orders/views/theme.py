"""The stylesheet with the vendor's color."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from orders import theme

YEAR_SECONDS = 365 * 24 * 3600


@require_safe
def theme_stylesheet(request: HttpRequest, version: str) -> HttpResponse:
    """Browsers cache it for a year, because its URL changes with the color."""
    response = HttpResponse(theme.stylesheet(), content_type="text/css")
    if version == theme.version():
        patch_cache_control(response, public=True, max_age=YEAR_SECONDS, immutable=True)
    else:
        patch_cache_control(response, no_cache=True)
    return response
