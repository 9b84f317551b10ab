"""Opt out of follow-ups and back in, by the link in each of them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from notifications import kinds, opt_outs
from notifications.models import OptOut

ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058, 3.1: posted by email programs, without a session
NOT_FOUND = 404


@csrf_exempt  # for one-click requests of email programs; the page itself is checked in `_page`
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True, private=True)
def follow_ups(request: HttpRequest, token: str) -> HttpResponse:
    """Show and change the setting. GET changes nothing, because email scanners follow links."""
    name, value = ONE_CLICK
    if request.method == "POST" and request.POST.get(name) == value:
        return _one_click(token)
    response: HttpResponse = _page(request, token)
    return response


def _one_click(token: str) -> HttpResponse:
    message = opt_outs.read_token(token)
    if message is None:
        return HttpResponse(status=NOT_FOUND)
    opt_outs.switch_off(message.recipient, OptOut.Source.ONE_CLICK)
    return HttpResponse(_("You’ve unsubscribed from follow-up emails."), content_type="text/plain; charset=utf-8")


@csrf_protect
def _page(request: HttpRequest, token: str) -> HttpResponse:
    message = opt_outs.read_token(token)
    if message is None:
        return render(request, "notifications/follow_ups.html", {"message": None}, status=NOT_FOUND)
    if request.method == "POST":
        if request.POST.get("wanted") == "off":
            opt_outs.switch_off(message.recipient, OptOut.Source.PAGE)
        elif request.POST.get("wanted") == "on":
            opt_outs.switch_on(message.recipient)
        return redirect(request.path)
    content = {
        "message": message,
        "address": message.masked_recipient,
        "is_off": opt_outs.is_off(message.recipient),
        "kinds": [kinds.label(name) for name in kinds.follow_ups()],
    }
    return render(request, "notifications/follow_ups.html", content)
