"""Pages of the desk in the admin. The admin site requires a staff user before it calls them."""

from datetime import UTC
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from desk.access import may_view
from desk.exports import MAX_ROWS, TooManyRows, make_export, may_export
from desk.look_records import record_look, record_look_at_person
from desk.order_tabs import order_url
from desk.person import Person
from desk.person_keys import SEARCH_PREFIX, read_person_key
from desk.person_tabs import Tab, visible_tabs
from desk.reports import load_reports, may_see_reports
from desk.roles import ERASE_PERSON, EXPORT_PERSON
from desk.writing import find_recipients, may_write
from licenses.models import License
from notifications import kinds
from notifications.models import Message
from notifications.rendering import read_again
from orders.formats import exact_time
from orders.models import AddressCorrection, Order
from orders.rate_limits import Rate, RateLimit, consume
from refunds.models import Return
from support.models import Thread

MAX_PAGE = 1000
EXPORT_RATE = Rate(short=100, long=1000)  # of one member of staff: each export occupies a thread while it is sent
SHOWN_IN_EMAILS = (Order, License, Return, Thread)  # serial numbers, amounts, decisions and answers


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
    """Show what an email said, made again without its secrets."""
    if not may_view(request.user, Message, *SHOWN_IN_EMAILS):
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


@require_safe
def reports_page(request: HttpRequest) -> HttpResponse:
    """Show the reports that the user may see."""
    if not may_see_reports(request.user):
        raise PermissionDenied
    context = {
        "title": gettext("Reports"),
        "sections": load_reports(request),
        "zone": timezone.get_current_timezone_name(),
    }
    return _render(request, "desk/admin/reports.html", context)


@require_POST
def export_list(request: HttpRequest, app_label: str, model_name: str) -> HttpResponse | StreamingHttpResponse:
    """Send a list of the admin as CSV, under the filters and the search of the URL."""
    labels = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}
    model_admin = labels.get(f"{app_label}.{model_name}")
    if model_admin is None:
        raise Http404
    if not may_export(request, model_admin):
        raise PermissionDenied
    page = reverse(f"admin:{app_label}_{model_name}_changelist")
    if not consume([RateLimit("staff-export", str(request.user.pk), EXPORT_RATE)], timezone.now()):
        messages.error(request, gettext("You’ve exported many lists. Try again in 15 minutes."))
        return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
    try:
        export = make_export(request, model_admin)
    except TooManyRows:
        text = gettext("The list has more than %(count)s rows. Filter it, then export it again.")
        messages.error(request, text % {"count": f"{MAX_ROWS:,}"})
        return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
    except (IncorrectLookupParameters, DataError, ValueError):
        messages.error(request, gettext("The list can’t be exported because a filter in the address is invalid."))
        return HttpResponseRedirect(page)
    return StreamingHttpResponse(
        export.lines(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{export.file_name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


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
    """Return the label and the URL of each possible action for the person. Makes at most four queries."""
    found = []
    if may_write(person.user) and find_recipients(person.email_key):
        found.append((gettext("Write"), reverse("admin:desk_person_write", args=[person.key])))
    if person.user.has_perm(EXPORT_PERSON) or person.user.has_perm(ERASE_PERSON):
        found.append((gettext("Export or erase the data"), reverse("admin:desk_person_data", args=[person.key])))
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
