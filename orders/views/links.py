"""Emailed links: a page with a button, because mail scanners follow links, too."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from orders import access
from orders.access import LinkResult, Outcome
from orders.forms import LinkForm
from orders.http import get_or_post, private
from orders.models import LinkState
from orders.views.find import TOO_MANY, find_page, to_orders

LINK_STATUS = {LinkState.GOOD: 200, LinkState.USED_OR_EXPIRED: 410, LinkState.INVALID: 404}


def link_page(request: HttpRequest, template: str, token: str, state: LinkState, **content: Any) -> HttpResponse:
    """The page of an emailed link, whatever it opens: its button, or why there is none."""
    return render(request, template, {"token": token, "state": state.value} | content, status=LINK_STATUS[state])


@get_or_post
@private
def access_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button and uses nothing up; POST opens."""
    if request.method != "POST":
        return _access_page(request, token, access.look_at_link(token))
    opened = access.open_link(request, token)
    if opened.result == LinkResult.OPENED:
        return to_orders(list(access.granted_orders(request)), opened.next_path)
    return _access_page(request, token, LinkState(opened.result.value))


@get_or_post
@private
def renew_access_link(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("orders:access", token)
    outcome = access.renew_link(request, token).outcome
    if outcome == Outcome.REFUSED:
        return _access_page(request, token, LinkState.INVALID)
    if outcome == Outcome.CLIENT_BLOCKED:
        return find_page(request, {}, LinkForm(), TOO_MANY)
    return redirect("orders:link_sent")


def _access_page(request: HttpRequest, token: str, state: LinkState) -> HttpResponse:
    return link_page(request, "orders/access_link.html", token, state)
