"""The pages that buyers see. Who may see which order is asked of orders/access.py, always."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from notifications.addresses import mask_address
from notifications.services import mails_about_order
from orders import access, invoice_pdf, panels, statuses, theme
from orders import invoice as invoices
from orders.access import LinkResult, Lookup, Outcome, with_found_order, with_order
from orders.budgets import SHORT_WINDOW
from orders.forms import (
    CardForm,
    CodeForm,
    LinkForm,
    NumberForm,
    PortalForm,
    is_page_of_all_orders,
    is_page_of_an_order,
    order_of_page,
)
from orders.invoice import Invoice
from orders.links import LinkState
from orders.models import Order
from orders.services.confirmations import Again, send_confirmation_again

FORMS: tuple[type[PortalForm], ...] = (NumberForm, CardForm, LinkForm)
INVALID, NOT_FOUND, TOO_MANY = "invalid", "not-found", "too-many"
STATUS = {"": 200, INVALID: 422, NOT_FOUND: 422, TOO_MANY: 429}
YEAR = 365 * 24 * 3600  # seconds

private = cache_control(no_store=True, private=True)
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def theme_stylesheet(request: HttpRequest, version: str) -> HttpResponse:
    """The vendor's colour. Its address changes with it, so browsers keep it for a year."""
    response = HttpResponse(theme.stylesheet(), content_type="text/css")
    if version == theme.version():
        patch_cache_control(response, public=True, max_age=YEAR, immutable=True)
    else:
        patch_cache_control(response, no_cache=True)
    return response


# --- Find -----------------------------------------------------------------------------------------------


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    return _find_page(request, request.GET)


@get_or_post
def find_number(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    form = NumberForm(request.POST)
    if not form.is_valid():
        return _find_page(request, request.POST, form, INVALID)
    lookup = access.find_by_number(request, form.cleaned_data["order_number"], form.cleaned_data["password"])
    return _answer(request, form, lookup)


@get_or_post
def find_card(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    walked = access.is_walked()
    form = CardForm(request.POST, with_proof_of_work=walked)
    if not form.is_valid():
        return _find_page(request, request.POST, form, INVALID)
    email, digits = form.cleaned_data["email"], form.cleaned_data["card_last4"]
    lookup = access.find_by_card(request, email, digits, walked=walked, work_done=walked)
    return _answer(request, form, lookup)


@get_or_post
def find_link(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:find")
    form = LinkForm(request.POST)
    if not form.is_valid():
        return _find_page(request, request.POST, form, INVALID)
    lookup = access.request_link(request, form.cleaned_data["email"], form.cleaned_data["next"])
    if lookup.outcome == Outcome.CLIENT_BLOCKED:
        return _find_page(request, request.POST, form, TOO_MANY)
    return redirect("orders:link_sent")


@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    """One page for every address, known or not."""
    return render(request, "orders/link_sent.html", {"sender": settings.DEFAULT_FROM_EMAIL})


def _answer(request: HttpRequest, form: PortalForm, lookup: Lookup) -> HttpResponse:
    if lookup.outcome == Outcome.FOUND:
        return _to_orders(lookup.orders, form.cleaned_data["next"])
    if lookup.outcome == Outcome.CLIENT_BLOCKED:
        return _find_page(request, request.POST, form, TOO_MANY)
    return _find_page(request, request.POST, form, NOT_FOUND)


def _to_orders(orders: list[Order], next_path: str) -> HttpResponseRedirect:
    """Where the person wanted to go, if it is a page of these orders; else the order, or the list of several."""
    wanted = order_of_page(next_path)
    if is_page_of_all_orders(next_path) or any(order.public_id == wanted for order in orders):
        return HttpResponseRedirect(next_path)
    if len(orders) == 1:
        return redirect("orders:order", orders[0].public_id)
    return redirect("orders:list")


def _find_page(request: HttpRequest, typed: Any, bound: PortalForm | None = None, result: str = "") -> HttpResponse:
    """The three ways on one page. `bound` is the form that was sent; the others keep what they share with it."""
    if bound is not None:
        typed = bound.data  # without what may not be written again
    shared = {name: typed.get(name, "") for name in ("email", "next")}
    shared["next"] = shared["next"] if is_page_of_an_order(shared["next"]) else ""
    forms = {form.way: form(initial=shared) for form in FORMS}
    if bound is not None:
        forms[bound.way] = bound
    response = render(
        request,
        "orders/find.html",
        {
            **forms,
            "sent": bound,
            "result": result,
            "came_for_an_order": bool(shared["next"]) and not result,
            "minutes": int(SHORT_WINDOW.total_seconds() // 60),
        },
        status=STATUS[result],
    )
    if result:
        patch_cache_control(response, no_store=True, private=True)
    if result == TOO_MANY:
        response["Retry-After"] = str(int(SHORT_WINDOW.total_seconds()))
    return response


# --- Orders ---------------------------------------------------------------------------------------------


@require_safe
@private
def order_list(request: HttpRequest) -> HttpResponse:
    orders = list(access.granted_orders(request).select_related("store").prefetch_related("lines"))
    if not orders:
        return redirect("orders:find")
    shown = [(order, order.store.tzinfo, statuses.words(order.status), list(order.lines.all())) for order in orders]
    return render(request, "orders/list.html", {"orders": shown})


@require_safe
@private
@with_found_order
def order_page(request: HttpRequest, order: Order) -> HttpResponse:
    """The order. While an emailed code is awaited, without what the code opens."""
    awaited = access.needs_code(request, order)
    content: dict[str, Any] = {
        "order": order,
        "zone": order.store.tzinfo,
        "status": statuses.words(order.status),
        "refunds": order.money_back,
        "address": mask_address(order.email) if order.email else "",
        "frozen_until": order.returns_frozen_until if order.is_frozen(timezone.now()) else None,
    }
    if awaited:
        content |= {"code_form": CodeForm(order.public_id), "code_address": mask_address(awaited)}
    else:
        mails = mails_about_order(order.pk)
        content |= {"panels": panels.load([order])[order.pk], "mails": mails}
        if not mails and order.email:
            words = gettext("No email about this order was sent from here yet. Emails go to %(address)s.")
            content["no_mails"] = words % {"address": content["address"]}
    return render(request, "orders/order.html", content)


@require_safe
@private
@with_order
def invoice(request: HttpRequest, order: Order) -> HttpResponse:
    return render(request, "orders/invoice.html", {"order": order, "invoice": _invoice_of(order)})


@require_safe
@private
@with_order
def invoice_as_pdf(request: HttpRequest, order: Order) -> HttpResponse:
    """The same invoice as a file to keep, named by its number."""
    built = _invoice_of(order)
    response = HttpResponse(invoice_pdf.render(built, order.billing_country), content_type="application/pdf")
    name = "".join(character for character in built.number if character.isalnum() or character in "-_") or "invoice"
    response["Content-Disposition"] = content_disposition_header(as_attachment=False, filename=f"{name}.pdf") or ""
    return response


def _invoice_of(order: Order) -> Invoice:
    return invoices.build(order, order.items, order.money_back)


@get_or_post
@private
@with_order
def confirmation(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST":
        _tell_about_confirmation(request, order, send_confirmation_again(order))
    return redirect("orders:order", order.public_id)


def _tell_about_confirmation(request: HttpRequest, order: Order, result: Again) -> None:
    if result == Again.QUEUED:
        words = gettext("We are sending the order confirmation to %(address)s. It should be there in a minute or two.")
        messages.success(request, words % {"address": mask_address(order.email)})
    elif result == Again.NO_ADDRESS:
        messages.error(
            request, gettext("This order has no email address, so nothing can be sent. Please contact support.")
        )
    else:
        messages.warning(
            request,
            gettext(
                "The confirmation was sent several times within the last hour. "
                "Please look into your spam folder, or try again in an hour."
            ),
        )


@get_or_post
@private
def leave(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        access.leave(request)
        messages.success(request, gettext("You have left. Your orders are closed in this browser."))
    return redirect("orders:find")


# --- The emailed code on top of a card --------------------------------------------------------------------


@get_or_post
@private
@with_found_order
def code(request: HttpRequest, order: Order) -> HttpResponse:
    address = access.needs_code(request, order)
    if not address:
        return redirect("orders:order", order.public_id)
    form = CodeForm(order.public_id, request.POST if request.method == "POST" else None)
    result = ""
    if form.is_bound:
        if not form.is_valid():
            result = INVALID
        else:
            outcome = access.enter_code(request, order, form.cleaned_data["code"]).outcome
            if outcome == Outcome.FOUND:
                return redirect("orders:order", order.public_id)
            result = TOO_MANY if outcome == Outcome.CLIENT_BLOCKED else NOT_FOUND
    content = {"order": order, "form": form, "result": result, "address": mask_address(address)}
    return render(request, "orders/code.html", content, status=STATUS[result])


@get_or_post
@private
@with_found_order
def code_again(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST" and access.needs_code(request, order):
        if access.send_code_again(request, order):
            messages.success(request, gettext("A new code is on its way. The earlier ones are no longer valid."))
        else:
            messages.warning(
                request, gettext("Several codes were sent already. Please use the latest, or try again in 15 minutes.")
            )
    return redirect("orders:code", order.public_id)


# --- Emailed links ----------------------------------------------------------------------------------------


@get_or_post
@private
def access_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button and uses nothing up, because mail scanners follow links too; POST opens."""
    if request.method != "POST":
        return _link_page(request, token, access.look_at_link(token))
    opened = access.open_link(request, token)
    if opened.result == LinkResult.OPENED:
        return _to_orders(list(access.granted_orders(request)), opened.next_path)
    return _link_page(request, token, LinkState(opened.result.value))


def _link_page(request: HttpRequest, token: str, state: LinkState) -> HttpResponse:
    status = {LinkState.GOOD: 200, LinkState.USED_OR_EXPIRED: 410, LinkState.INVALID: 404}[state]
    return render(request, "orders/access_link.html", {"token": token, "state": state.value}, status=status)


@get_or_post
@private
def renew_access_link(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:access", token)
    outcome = access.renew_link(request, token).outcome
    if outcome == Outcome.REFUSED:
        return _link_page(request, token, LinkState.INVALID)
    if outcome == Outcome.CLIENT_BLOCKED:
        return _find_page(request, {}, LinkForm(), TOO_MANY)
    return redirect("orders:link_sent")
