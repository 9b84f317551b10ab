"""The pages of emailed links. They show a button first, because email scanners follow links, too."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from orders import access
from orders.access import LinkResult, Outcome
from orders.forms import LinkForm
from orders.http import get_or_post, no_store
from orders.models import LinkState
from orders.views.find import redirect_to_orders, render_find_page
from orders.views.results import Result

STATUS_CODES = {LinkState.VALID: 200, LinkState.USED_OR_EXPIRED: 410, LinkState.INVALID: 404}


def render_link_page(request: HttpRequest, template: str, token: str, state: LinkState, **context: Any) -> HttpResponse:
    """Render the page of an emailed link of any kind: a button, or the reason why the link cannot be used."""
    return render(request, template, {"token": token, "state": state.value} | context, status=STATUS_CODES[state])


@get_or_post
@no_store
def access_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, POST uses up the link and opens the orders."""
    if request.method != "POST":
        return _render_access_page(request, token, access.check_link(token))
    opened = access.open_link(request, token)
    if opened.result == LinkResult.OPENED:
        return redirect_to_orders(list(access.granted_orders(request)), opened.next_path)
    return _render_access_page(request, token, LinkState(opened.result.value))


@get_or_post
@no_store
def renew_access_link(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:access", token)
    renewal = access.renew_link(request, token)
    if renewal.outcome == Outcome.REFUSED:
        return _render_access_page(request, token, LinkState.INVALID)
    if renewal.retry_at is not None:
        return render_find_page(request, {}, LinkForm(), Result.of_failed(renewal))
    return redirect("orders:link_sent")


def _render_access_page(request: HttpRequest, token: str, state: LinkState) -> HttpResponse:
    return render_link_page(request, "orders/access_link.html", token, state)
