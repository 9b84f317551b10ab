"""Changing the language of the pages."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.i18n import set_language

from orders.drafts import SeeOther, keep_shown_form


def change_language(request: HttpRequest) -> HttpResponseBase:
    """Lead back to the page in another language. If a form of the page was sent, it shows again what was typed."""
    response = set_language(request)
    if request.method != "POST":
        return response
    language = request.POST.get("language", "")
    with translation.override(language if language in dict(settings.LANGUAGES) else translation.get_language()):
        url = keep_shown_form(request)
    if url:
        response.status_code = SeeOther.status_code
        response["Location"] = url
    return response
