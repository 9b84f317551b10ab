"""The page that emails a code and asks for it: it confirms a lookup by card.

Required to open a restricted order, and before actions on money or access, which redirect here.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.addresses import mask_address
from orders import access, formats
from orders.access import LookupResult, Outcome, with_unconfirmed_order
from orders.drafts import Draft
from orders.forms import CodeForm, is_order_page
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import Order
from orders.views.results import INVALID_FORM, NOT_FOUND, TOO_MANY, Result

TEMPLATE = "orders/code.html"


@get_or_post
@no_store
@with_unconfirmed_order
def code(request: HttpRequest, order: Order) -> HttpResponse:
    """Ask for the code, and then redirect to the order, or to the page of the portal that `next` names."""
    is_restricted = access.needs_code(request, order)
    if not is_restricted and access.is_owner_confirmed(request, order):
        return _redirect_to_next(request, order)
    next_path = _next_path(request)
    draft = Draft(request, CodeForm.form_name, order.public_id, page=access.redirect_to_code_page(order, next_path).url)
    if request.method != "POST":
        typed = draft.load()
        form = CodeForm(order.public_id, typed.data if typed else None, initial={"next": next_path})
        if typed is None:
            return _page(request, order, draft, form, Result())
        return _page(request, order, draft, typed.show(form), Result.from_session(typed.outcome, form))
    form = CodeForm(order.public_id, request.POST)
    if not form.is_valid():
        return _page(request, order, draft, form, Result(INVALID_FORM))
    lookup = access.enter_code(request, order, form.cleaned_data["code"])
    if lookup.outcome == Outcome.FOUND:
        draft.drop()
        return _redirect_to_next(request, order)
    is_blocked = lookup.outcome == Outcome.CLIENT_BLOCKED
    return _page(request, order, draft, form, Result(TOO_MANY, lookup.retry_at) if is_blocked else Result(NOT_FOUND))


def _page(request: HttpRequest, order: Order, draft: Draft, form: CodeForm, result: Result) -> HttpResponse:
    is_restricted = access.needs_code(request, order)
    is_sent = is_restricted or access.has_sent_code(request, order)
    if not is_restricted:
        form.button = _("Continue")
    context: dict[str, Any] = {
        "order": order,
        "form": form,
        "language_forms": [draft.shown(form, result.to_session())] if is_sent and order.email_key else [],
        "next": _next_path(request),
        "result": result.code,
        "address": mask_address(order.email) if order.email_key else "",
        "is_restricted": is_restricted,
        "is_sent": is_sent,
    }
    if result.code == TOO_MANY:
        return too_many_requests(request, TEMPLATE, context, result.retry_at)
    return render(request, TEMPLATE, context, status=UNPROCESSABLE if result.code else 200)


@get_or_post
@no_store
@with_unconfirmed_order
def code_again(request: HttpRequest, order: Order) -> HttpResponse:
    """Email a code, and redirect to the page that asks for it."""
    is_needed = access.needs_code(request, order) or not access.is_owner_confirmed(request, order)
    if request.method == "POST" and is_needed:
        was_sent = access.has_sent_code(request, order)
        _add_message(request, access.send_code(request, order), was_sent=was_sent)
    return access.redirect_to_code_page(order, _next_path(request))


def _add_message(request: HttpRequest, result: LookupResult, *, was_sent: bool) -> None:
    if result.retry_at is not None:
        text = gettext("We’ve already sent several codes. Use the newest one, or get another in %(wait)s.")
        messages.warning(request, text % {"wait": formats.wait(timezone.now(), result.retry_at)})
    elif result.outcome == Outcome.FOUND and was_sent:
        messages.success(request, gettext("A new code is on its way. Earlier codes no longer work."))
    elif result.outcome == Outcome.FOUND:
        messages.success(request, gettext("A code is on its way."))


def _next_path(request: HttpRequest) -> str:
    """Return the page to lead to afterwards; empty unless it is a page of the portal about orders."""
    path = (request.POST if request.method == "POST" else request.GET).get("next", "")
    return path if is_order_page(path) else ""


def _redirect_to_next(request: HttpRequest, order: Order) -> HttpResponse:
    if next_path := _next_path(request):
        return HttpResponseRedirect(next_path)
    return redirect("orders:order", order.public_id)
