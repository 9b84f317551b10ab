"""The find page, with three forms: by order number, by card, and by emailed link."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from orders import access
from orders.access import LookupResult, Outcome
from orders.drafts import Draft
from orders.forms import (
    CardForm,
    LinkForm,
    NumberForm,
    PortalForm,
    get_order_of_page,
    is_all_orders_page,
    is_order_page,
)
from orders.http import UNPROCESSABLE, get_or_post, too_many_requests
from orders.models import Order
from orders.views.results import INVALID_FORM, TOO_MANY, Result

FORMS: tuple[type[PortalForm], ...] = (NumberForm, CardForm, LinkForm)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The orders that are open in this browser, or the find page."""
    if access.has_open_orders(request):
        return redirect("orders:list")
    return _typed_page(request)


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    return _typed_page(request)


def _typed_page(request: HttpRequest) -> HttpResponse:
    """The page with what was typed before its language was changed, and how that ended."""
    for make in FORMS:
        if (typed := _draft(request, make).load()) is not None:
            form = typed.show(_make_form(make, typed.data))
            return render_find_page(request, typed.data, form, Result.from_session(typed.outcome, form))
    return render_find_page(request, request.GET)


@get_or_post
def find_number(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    form = NumberForm(request.POST)
    if not form.is_valid():
        return render_find_page(request, request.POST, form, Result(INVALID_FORM))
    lookup = access.find_by_number(request, form.cleaned_data["order_number"], form.cleaned_data["password"])
    return _respond(request, form, lookup)


@get_or_post
def find_card(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    failures = access.site_failures()
    enumerated = failures.need_proof_of_work
    form = CardForm(request.POST, proof_of_work=failures.severity if enumerated else None)
    if not form.is_valid():
        return render_find_page(request, request.POST, form, Result(INVALID_FORM))
    email, digits = form.cleaned_data["email"], form.cleaned_data["card_last4"]
    lookup = access.find_by_card(request, email, digits, enumerated=enumerated, work_done=enumerated)
    return _respond(request, form, lookup)


@get_or_post
def find_link(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    form = LinkForm(request.POST)
    if not form.is_valid():
        return render_find_page(request, request.POST, form, Result(INVALID_FORM))
    lookup = access.request_link(request, form.cleaned_data["email"], form.cleaned_data["next"])
    if lookup.retry_at is not None:
        return render_find_page(request, request.POST, form, Result.of_failed(lookup))
    _draft(request, LinkForm).drop()
    return redirect("orders:link_sent")


@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    """The same page for known and unknown addresses."""
    return render(request, "orders/link_sent.html", {"sender": settings.DEFAULT_FROM_EMAIL})


def _respond(request: HttpRequest, form: PortalForm, lookup: LookupResult) -> HttpResponse:
    if lookup.outcome == Outcome.FOUND:
        _draft(request, type(form)).drop()
        return redirect_to_orders(lookup.orders, form.cleaned_data["next"])
    return render_find_page(request, request.POST, form, Result.of_failed(lookup))


def _draft(request: HttpRequest, form: type[PortalForm]) -> Draft:
    """The draft of one way to find an order. Only two paths show the page; to the others, its forms are sent."""
    is_page = request.path in (reverse("orders:home"), reverse("orders:find"))
    return Draft(request, form.form_name, page="" if is_page else reverse("orders:find"))


def _make_form(make: type[PortalForm], data: Any) -> PortalForm:
    failures = access.site_failures() if make is CardForm else None
    if failures is not None and failures.need_proof_of_work:
        return CardForm(data, proof_of_work=failures.severity)
    return make(data)


def redirect_to_orders(orders: list[Order], next_path: str) -> HttpResponseRedirect:
    """Redirect to the requested page if it is about these orders; otherwise to the order, or to the list of several."""
    order_id = get_order_of_page(next_path)
    if is_all_orders_page(next_path) or any(order.public_id == order_id for order in orders):
        return HttpResponseRedirect(next_path)
    if len(orders) == 1:
        return redirect("orders:order", orders[0].public_id)
    return redirect("orders:list")


def render_find_page(
    request: HttpRequest,
    data: Any,
    sent_form: PortalForm | None = None,
    result: Result | None = None,
) -> HttpResponse:
    """Render the page with all forms. `sent_form` is the one that was sent or typed into; `result` says how it ended.

    The other forms get the values of the fields that they share with it.
    """
    result = result or Result()
    if sent_form is not None:
        data = sent_form.data  # the form has removed values that must not be shown again
    initial = {name: data.get(name, "") for name in ("email", "next")}
    initial["next"] = initial["next"] if is_order_page(initial["next"]) else ""
    forms = {form.form_name: form(initial=initial) for form in FORMS}
    if sent_form is not None:
        forms[sent_form.form_name] = sent_form
    open_way = sent_form.form_name if sent_form is not None else NumberForm.form_name
    open_first = sorted(forms.values(), key=lambda form: form.form_name != open_way)
    context = {
        **forms,
        "sent": sent_form,
        "result": result.code,
        "has_next_page": bool(initial["next"]) and not result.code,
        "open_way": open_way,
        "language_forms": [
            _draft(request, type(form)).shown(form, result.to_session() if form is sent_form else {})
            for form in open_first
        ],
    }
    if result.code == TOO_MANY:
        response = too_many_requests(request, "orders/find.html", context, result.retry_at)
    else:
        response = render(request, "orders/find.html", context, status=UNPROCESSABLE if result.code else 200)
    if sent_form is not None:
        patch_cache_control(response, no_store=True, private=True)
    return response
