"""The page of the search, also as JSON."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from desk.search.groups import search
from desk.search.terms import Term


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Search for `q`. Answers with JSON, or with a page for browsers, as far as the user may see the results."""
    typed = request.GET.get("q", "")
    found = search(typed, request.user)
    response: HttpResponse
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        context = {"title": gettext("Search"), "typed": Term.read(typed).text, "found": found}
        response = TemplateResponse(request, "desk/admin/search.html", admin.site.each_context(request) | context)
    else:
        response = JsonResponse(found.as_json())
    patch_vary_headers(response, ["Accept"])
    return response
