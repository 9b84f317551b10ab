"""Changing the language of the pages."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.i18n import set_language

from orders.access.grants import fully_open_orders
from orders.drafts import SeeOther, keep_shown_form
from orders.models import Order


def change_language(request: HttpRequest) -> HttpResponseBase:
    """Lead back to the page in another language. If a form of the page was sent, it shows again what was typed."""
    response = set_language(request)
    if request.method != "POST":
        return response
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        language = translation.get_language()
    else:
        # Later emails about these orders, too.
        Order.objects.filter(pk__in=[order.pk for order in fully_open_orders(request)]).update(chosen_language=language)
    with translation.override(language):
        url = keep_shown_form(request)
    if url:
        response.status_code = SeeOther.status_code
        response["Location"] = url
    return response
