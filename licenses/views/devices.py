"""All licenses of the open orders, and giving the places of devices free."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from licenses import cards
from licenses.models import Device
from licenses.services import devices
from licenses.services.devices import NotReleased
from orders import access
from orders.models import Order

private = cache_control(no_store=True, private=True)
get_or_post = require_http_methods(["GET", "HEAD", "POST"])
View = Callable[[HttpRequest, Device, Order], HttpResponse]


@require_safe
@private
def licenses(request: HttpRequest) -> HttpResponse:
    """Every license of the orders that are open whole in this browser."""
    orders = access.fully_open_orders(request)
    if orders:
        return render(request, "licenses/list.html", {"cards": cards.load(orders, timezone.now())})
    awaited = access.granted_orders(request).first()
    if awaited is not None:
        return redirect("orders:code", awaited.public_id)
    return _to_find()


licenses.covers_all_orders = True  # type: ignore[attr-defined]  # see orders/forms/next_page.py


def _to_find() -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('orders:find')}?{urlencode({'next': reverse('licenses:list')})}")


def with_device(view: View) -> Callable[..., HttpResponse]:
    """Give a view of `<int:device_id>` its device, and the open order that carries its license.

    Where no order that is open whole carries it, and where there is no such device, the answer is one and the same.
    """

    @wraps(view)
    def guarded(request: HttpRequest, device_id: int) -> HttpResponse:
        found = cards.device_in(request, device_id)
        return view(request, *found) if found else _to_find()

    return guarded


@get_or_post
@private
@with_device
def release_device(request: HttpRequest, device: Device, order: Order) -> HttpResponse:
    """Say what it means, and give the place free once that is confirmed."""
    now = timezone.now()
    if request.method != "POST":
        allowance = devices.allowance(device.license, now)
        return render(request, "licenses/release_device.html", {"device": device, "allowance": allowance})
    try:
        devices.release(device, order, now)
    except NotReleased as why:
        messages.error(request, str(why.sentence))
    else:
        words = gettext("The place of %(device)s is free. You can undo this for 10 minutes.")
        messages.success(request, words % {"device": device})
    return redirect("licenses:list")


@get_or_post
@private
@with_device
def undo_release(request: HttpRequest, device: Device, order: Order) -> HttpResponse:
    if request.method == "POST":
        try:
            devices.undo(device, timezone.now())
        except NotReleased as why:
            messages.error(request, str(why.sentence))
        else:
            messages.success(request, gettext("%(device)s keeps its place.") % {"device": device})
    return redirect("licenses:list")
