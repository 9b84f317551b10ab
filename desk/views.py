"""Pages of the desk in the admin. The admin site requires a staff user before it calls them."""

from datetime import UTC
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from desk.access import may_view
from desk.look_records import record_look, record_look_at_person
from desk.order_tabs import order_url
from desk.person import Person
from desk.person_keys import SEARCH_PREFIX, read_person_key
from desk.person_tabs import Tab, visible_tabs
from licenses.models import License
from notifications import kinds
from notifications.models import Message
from notifications.rendering import read_again
from orders.formats import exact_time
from orders.models import AddressCorrection, Order
from support.models import Thread

MAX_PAGE = 1000


@require_safe
def person_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show everything that belongs to one email address, as far as the user may see it."""
    person, tabs = _load_person(request, key)
    pages = [tab.load(person) for tab in tabs]
    context = {
        "title": gettext("Person"),
        "person": person,
        "pages": pages,
        "tabs": [page.link for page in pages],
        "actions": _actions(person),
    }
    return _render(request, "desk/admin/person.html", context)


@require_safe
def person_list(request: HttpRequest, key: str, tab: str) -> HttpResponse:
    """Show all rows of one tab, one page at a time."""
    person, tabs = _load_person(request, key)
    shown = next((each for each in tabs if each.name == tab), None)
    if shown is None:
        raise PermissionDenied
    page = _load_page(person, shown, request.GET.get("page", "1"))
    return _render(request, "desk/admin/person_list.html", {"title": shown.label, "person": person, "page": page})


@require_safe
def email_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an email said, made again without its secrets. It may contain serial numbers and amounts."""
    if not may_view(request.user, Message, Order, License):
        raise PermissionDenied
    email = get_object_or_404(Message, pk=pk)
    order = Order.objects.filter(pk=email.order_id).select_related("store").first() if email.order_id else None
    if order is not None:
        record_look(request, order)
    context = {
        "title": kinds.label(email.kind),
        "email": email,
        "content": read_again(email),
        "facts": _email_facts(email, order.locality if order is not None else UTC),
        "order": order,
        "order_url": order_url(order, "emails") if order is not None else "",
    }
    return _render(request, "desk/admin/email.html", context)


def _email_facts(email: Message, zone: Any) -> list[tuple[str, str]]:
    facts = [
        (gettext("To"), email.recipient),
        (gettext("Status"), email.get_status_display()),
        (gettext("Sent on"), exact_time(email.sent_at, zone) if email.sent_at else ""),
        (gettext("Bounced on"), exact_time(email.bounced_at, zone) if email.bounced_at else ""),
        (gettext("Error"), email.last_error),
        (gettext("Code"), email.grouped_code),
    ]
    return [(label, value) for label, value in facts if value]


def _load_person(request: HttpRequest, key: str) -> tuple[Person, list[Tab]]:
    """Return the person and the tabs that the user may see, and record the view.

    Raises PermissionDenied or Http404.
    """
    email_key = read_person_key(key)
    if not email_key:
        raise Http404
    person = Person(email_key, request.user)
    tabs = visible_tabs(person)
    if not tabs:
        raise PermissionDenied
    record_look_at_person(request, email_key)
    return person, tabs


def _load_page(person: Person, tab: Tab, number: str) -> Any:
    if not (number.isdecimal() and 1 <= int(number) <= MAX_PAGE):
        raise Http404
    return tab.load(person, int(number))


def _actions(person: Person) -> list[tuple[str, str]]:
    """Return the label and the URL of each possible action for the person. Makes at most two queries."""
    found = []
    if person.may_view(Thread):
        newest = Thread.objects.filter(email_key=person.email_key).order_by("-created_at", "-pk").first()
        if newest is not None:
            url = reverse("admin:support_thread_change", args=[newest.pk])
            found.append((gettext("Open the newest thread"), url))
    order = person.orders.newest_first().first()
    if order is not None:
        url = reverse("admin:orders_order_changelist", query={"q": f"{SEARCH_PREFIX}{person.key}"})
        found.append((gettext("Show the orders in the list"), url))
        if person.user.has_perm(f"orders.add_{AddressCorrection._meta.model_name}"):
            url = reverse("admin:orders_order_change", args=[order.pk], fragment="correct")
            found.append((gettext("Correct the address of the newest order"), url))
    return found


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | context)
