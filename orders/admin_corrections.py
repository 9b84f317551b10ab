"""Staff actions for the email address of an order and the access to it, on the order's page in the admin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget

from orders.forms.base import EMAIL_LENGTH
from orders.models import AddressCorrection, Order
from orders.services.address_corrections import SameAddress, correct_address, end_freeze, undo_correction
from orders.services.ending_access import end_all_access

CORRECT, UNDO, END_FREEZE, END_ACCESS = "correct", "undo", "end_freeze", "end_access"


class StaffCorrectionForm(forms.Form):
    """The right address of an order."""

    new_email = forms.EmailField(
        label=_("Correct email address"),
        max_length=EMAIL_LENGTH,
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True)
class AccessAction:
    """A button without a form. `run(order, user)` returns whether anything was done."""

    name: str
    label: Any
    explanation: Any
    permission: str
    run: Callable[[Order, User], bool]


def _undo_last_chain(order: Order, by: User) -> bool:
    latest = order.address_corrections.active().select_related("root").order_by("-pk").first()
    if latest is None:
        return False
    root = latest.root
    return undo_correction(root if root is not None and root.undone_at is None else latest, by)


def _end_all_access(order: Order, by: User) -> bool:
    end_all_access(order)
    return True


ACCESS_ACTIONS = {
    action.name: action
    for action in (
        AccessAction(
            UNDO,
            _("Undo the correction"),
            _(
                "Restores the previous address, ends all access to the order, and emails a new order password to "
                "that address. The removed addresses and support are notified."
            ),
            "orders.change_addresscorrection",
            _undo_last_chain,
        ),
        AccessAction(
            END_FREEZE,
            _("End the freeze of returns and refunds"),
            _("Use this if you’ve verified the correction. It can still be undone."),
            "orders.change_addresscorrection",
            lambda order, by: end_freeze(order),
        ),
        AccessAction(
            END_ACCESS,
            _("End all access and make a new password"),
            _(
                "Signs everyone out of the order and invalidates emailed links, download links and the order "
                "password. The order confirmation with the new password is emailed to the order’s address."
            ),
            "orders.change_order",
            _end_all_access,
        ),
    )
}


class AddressActionsMixin:
    """Adds the buttons to the admin of orders. Each is a POST that calls a service."""

    change_form_outer_after_template = "orders/admin/order.html"
    admin_site: Any
    log_change: Any

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)  # type: ignore[attr-defined]
        context = {} if order is None else self._address_context(request, order)
        response: HttpResponse = super().change_view(  # type: ignore[misc]
            request, object_id, form_url, context | (extra_context or {})
        )
        return response

    def _address_context(self, request: HttpRequest, order: Order) -> dict[str, Any]:
        offered = {END_ACCESS}
        if order.address_corrections.active().exists():
            offered.add(UNDO)
        if order.is_frozen(timezone.now()):
            offered.add(END_FREEZE)
        can_correct = request.user.has_perm("orders.add_addresscorrection")
        return {
            "correction_order": order,
            "correction_form": StaffCorrectionForm() if can_correct else None,
            "access_actions": [
                action
                for name, action in ACCESS_ACTIONS.items()
                if name in offered and request.user.has_perm(action.permission)
            ],
        }

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:pk>/correct-address/", wrapped(self.correct_address), name="orders_order_correct_address"),
            path("<int:pk>/access/", wrapped(self.run_access_action), name="orders_order_access"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def correct_address(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Correct the address, by POST. Errors are shown on the form."""
        order = _get_order(pk)
        if not request.user.has_perm("orders.add_addresscorrection"):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(_page(order))
        form = StaffCorrectionForm(request.POST)
        if form.is_valid():
            assert isinstance(request.user, User)
            try:
                correction = correct_address(order, form.cleaned_data["new_email"], by=request.user)
            except SameAddress:
                form.add_error("new_email", gettext("This is already the order’s email address."))
            else:
                return self._done(request, order, _description(correction))
        request.method = "GET"
        return self.change_view(request, str(pk), extra_context={"correction_form": form})

    def run_access_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run one of ACCESS_ACTIONS, by POST."""
        order = _get_order(pk)
        if not any(request.user.has_perm(each.permission) for each in ACCESS_ACTIONS.values()):
            raise PermissionDenied
        action = ACCESS_ACTIONS.get(request.POST.get("action", "")) if request.method == "POST" else None
        if action is None:
            return HttpResponseRedirect(_page(order))
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        assert isinstance(request.user, User)
        if not action.run(order, request.user):
            messages.warning(request, gettext("Nothing to do: this was already done."))
            return HttpResponseRedirect(_page(order))
        return self._done(request, order, str(action.label))

    def _done(self, request: HttpRequest, order: Order, description: str) -> HttpResponse:
        self.log_change(request, order, description)
        messages.success(request, gettext("Done: %(what)s") % {"what": description})
        return HttpResponseRedirect(_page(order))


def _get_order(pk: int) -> Order:
    order = Order.objects.filter(pk=pk).select_related("store").first()
    if order is None:
        raise Http404
    return order


def _page(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def _description(correction: AddressCorrection) -> str:
    text = gettext("Address corrected from %(old)s to %(new)s.")
    return text % {"old": correction.old_email or "–", "new": correction.new_email}
