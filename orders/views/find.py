"""Finding an order: three ways on one page."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from orders import access
from orders.access import Lookup, Outcome
from orders.forms import (
    CardForm,
    LinkForm,
    NumberForm,
    PortalForm,
    is_page_of_all_orders,
    is_page_of_an_order,
    order_of_page,
)
from orders.http import INVALID, get_or_post, too_many_requests
from orders.models import Order

FORMS: tuple[type[PortalForm], ...] = (NumberForm, CardForm, LinkForm)
# How a form that was sent ended, as templates know it.
INVALID_FORM, NOT_FOUND, TOO_MANY = "invalid", "not-found", "too-many"


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    return find_page(request, request.GET)


@get_or_post
def find_number(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    form = NumberForm(request.POST)
    if not form.is_valid():
        return find_page(request, request.POST, form, INVALID_FORM)
    lookup = access.find_by_number(request, form.cleaned_data["order_number"], form.cleaned_data["password"])
    return _answer(request, form, lookup)


@get_or_post
def find_card(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    enumerated = access.under_enumeration()
    form = CardForm(request.POST, with_proof_of_work=enumerated)
    if not form.is_valid():
        return find_page(request, request.POST, form, INVALID_FORM)
    email, digits = form.cleaned_data["email"], form.cleaned_data["card_last4"]
    lookup = access.find_by_card(request, email, digits, enumerated=enumerated, work_done=enumerated)
    return _answer(request, form, lookup)


@get_or_post
def find_link(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    form = LinkForm(request.POST)
    if not form.is_valid():
        return find_page(request, request.POST, form, INVALID_FORM)
    lookup = access.request_link(request, form.cleaned_data["email"], form.cleaned_data["next"])
    if lookup.outcome == Outcome.CLIENT_BLOCKED:
        return find_page(request, request.POST, form, TOO_MANY)
    return redirect("orders:link_sent")


@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    """One page for every address, known or not."""
    return render(request, "orders/link_sent.html", {"sender": settings.DEFAULT_FROM_EMAIL})


def _answer(request: HttpRequest, form: PortalForm, lookup: Lookup) -> HttpResponse:
    if lookup.outcome == Outcome.FOUND:
        return to_orders(lookup.orders, form.cleaned_data["next"])
    return find_page(request, request.POST, form, TOO_MANY if lookup.outcome == Outcome.CLIENT_BLOCKED else NOT_FOUND)


def to_orders(orders: list[Order], next_path: str) -> HttpResponseRedirect:
    """Where the person wanted to go, if it is a page of these orders; else the order, or the list of several."""
    wanted = order_of_page(next_path)
    if is_page_of_all_orders(next_path) or any(order.public_id == wanted for order in orders):
        return HttpResponseRedirect(next_path)
    if len(orders) == 1:
        return redirect("orders:order", orders[0].public_id)
    return redirect("orders:list")


def find_page(request: HttpRequest, typed: Any, bound: PortalForm | None = None, result: str = "") -> HttpResponse:
    """The three ways on one page. `bound` is the form that was sent; the others keep what they share with it."""
    if bound is not None:
        typed = bound.data  # without what may not be written again
    shared = {name: typed.get(name, "") for name in ("email", "next")}
    shared["next"] = shared["next"] if is_page_of_an_order(shared["next"]) else ""
    forms = {form.way: form(initial=shared) for form in FORMS}
    if bound is not None:
        forms[bound.way] = bound
    content = {
        **forms,
        "sent": bound,
        "result": result,
        "came_for_an_order": bool(shared["next"]) and not result,
    }
    if result == TOO_MANY:
        response = too_many_requests(request, "orders/find.html", content)
    else:
        response = render(request, "orders/find.html", content, status=INVALID if result else 200)
    if result:
        patch_cache_control(response, no_store=True, private=True)
    return response
