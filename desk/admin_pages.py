"""The desk's additions to the admin's pages: those of orders, cases and licenses record views and link to the desk's
pages, and lists can be exported and have saved views.

The admin site wraps all its views in `extended`, so that lower apps don't have to know the desk.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from cases.models import Case
from desk.account import may_view_login
from desk.exports import export_url
from desk.lists import shorten
from desk.look_records import record_look
from desk.person import Person
from desk.person_tabs import visible_tabs
from desk.saved_views import saved_views
from desk.staff_sessions import remember_session
from licenses.models import LineWithoutSerial
from notifications.addresses import email_key
from orders.models import Order

# Names in the context, for templates/admin/change_form_object_tools.html, change_list_object_tools.html and
# change_list.html.
LINKS = "desk_links"
EXPORT_URL = "desk_export_url"
SAVED_VIEWS = "desk_saved_views"


def extended(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap a view of the admin. Only lists and pages that show one row change."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        remember_session(request)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            shown = response.context_data.get("original")  # Django's name for the row of a change page
            if isinstance(shown, Model):
                record_look(request, shown)
                response.context_data[LINKS] = desk_links(request.user, shown)
            changelist = response.context_data.get("cl")  # of a list
            if changelist is not None:
                response.context_data[EXPORT_URL] = export_url(request, changelist)
                response.context_data[SAVED_VIEWS] = saved_views(request, changelist)
                response.add_post_render_callback(shorten)
        return response

    return wrapper


def desk_links(user: Any, shown: Model) -> list[dict[str, str]]:
    """Return the desk's pages about this row that the user may open: titles, icons and URLs."""
    links = []
    if isinstance(shown, LineWithoutSerial):
        shown = shown.order
    if isinstance(shown, (Order, Case)):
        address = shown.email if isinstance(shown, Order) else shown.recipient
        if key := email_key(address):
            person = Person(key, user)
            if visible_tabs(person):
                url = reverse("admin:desk_person", args=[person.key])
                links.append({"title": gettext("Person"), "icon": "person", "url": url})
    if isinstance(shown, User) and may_view_login(user):
        url = reverse("admin:desk_staff_login", args=[shown.pk])
        links.append({"title": gettext("Login and sessions"), "icon": "key", "url": url})
    return links
