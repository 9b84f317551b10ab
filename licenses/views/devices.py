"""The list of licenses, and releasing devices."""

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

from licenses import license_list
from licenses.models import Device
from licenses.services import devices
from licenses.services.devices import NotReleased
from orders import access
from orders.models import Order

MIN_LICENSES_TO_FILTER = 5
MAX_FILTER_LENGTH = 100  # characters

private = cache_control(no_store=True, private=True)
get_or_post = require_http_methods(["GET", "HEAD", "POST"])
View = Callable[[HttpRequest, Device, Order], HttpResponse]


@require_safe
@private
def licenses(request: HttpRequest) -> HttpResponse:
    """All licenses of the orders that are open in this session."""
    orders = access.fully_open_orders(request)
    if orders:
        listed = license_list.load_listed_licenses(orders, timezone.now())
        typed = request.GET.get("q", "").strip()[:MAX_FILTER_LENGTH]
        context = {
            "listed_licenses": license_list.filter_licenses(listed, typed),
            "typed": typed,
            "has_filter": bool(typed) or len(listed) > MIN_LICENSES_TO_FILTER,
        }
        return render(request, "licenses/list.html", context)
    granted = access.granted_orders(request).first()
    if granted is not None:
        return access.redirect_to_code_page(granted)
    return _redirect_to_find()


licenses.covers_all_orders = True  # type: ignore[attr-defined]  # see orders/forms/next_page.py


def _redirect_to_find() -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('orders:find')}?{urlencode({'next': reverse('licenses:list')})}")


def with_device(view: View) -> Callable[..., HttpResponse]:
    """Decorate a view with `device_id` to get the device and an open order that includes its license.

    The response is the same whether the device doesn't exist or no open order includes it. Releasing a device changes
    access, so if the order was opened by card alone, an emailed code is required first.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, device_id: int) -> HttpResponse:
        found = license_list.find_open_device(request, device_id)
        if found is None:
            return _redirect_to_find()
        _device, order = found
        if not access.is_owner_confirmed(request, order):
            return access.redirect_to_code_page(order, request.path)
        return view(request, *found)

    wrapper.covers_all_orders = True  # type: ignore[attr-defined]  # so the page of the emailed code returns here
    return wrapper


@get_or_post
@private
@with_device
def release_device(request: HttpRequest, device: Device, order: Order) -> HttpResponse:
    """Ask for confirmation, then release the device."""
    now = timezone.now()
    if request.method != "POST":
        allowance = devices.allowance(device.license, now)
        return render(request, "licenses/release_device.html", {"device": device, "allowance": allowance})
    try:
        devices.release(device, order, now)
    except NotReleased as error:
        messages.error(request, str(error.sentence))
    else:
        words = gettext("We’ve released %(device)s. You can undo this for 10 minutes.")
        messages.success(request, words % {"device": device})
    return redirect("licenses:list")


@get_or_post
@private
@with_device
def undo_release(request: HttpRequest, device: Device, order: Order) -> HttpResponse:
    if request.method == "POST":
        try:
            devices.undo(device, timezone.now())
        except NotReleased as error:
            messages.error(request, str(error.sentence))
        else:
            messages.success(
                request, gettext("%(device)s is no longer released. It can use the product again.") % {"device": device}
            )
    return redirect("licenses:list")
