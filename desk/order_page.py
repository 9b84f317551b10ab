"""The page of an order in the admin: the card, the tabs, the actions, a return for the buyer, and the buyer's view."""

from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.forms import NumberInput
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from cases.refusals import Refusal
from desk.look_records import record_buyers_view
from desk.order_actions import ACTIONS, NotDone, OrderAction
from desk.order_tabs import TABS, load_card, order_url
from desk.person import Person
from desk.person_tabs import visible_tabs
from notifications.addresses import email_key
from orders.admin import OrderListAdmin
from orders.admin_tabs import LinkTab
from orders.models import Order
from orders.order_page import order_page_context
from refunds.eligibility import check_eligibility
from refunds.forms.returns import ReturnForm
from refunds.services.returns import request_return

SELF = "'self'"
FRAMING_POLICY = settings.ADMIN_CONTENT_SECURITY_POLICY | {"frame-src": [SELF]}
FRAMED_POLICY = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"] | {"frame-ancestors": [SELF]}
START_RETURN = "refunds.change_return"
# What the buyer's page shows besides what each panel's permissions protect.
SEE_AS_BUYER = ("orders.view_order", "orders.view_orderline", "notifications.view_message")


class OrderAdmin(OrderListAdmin):
    """The list of orders, and a page for each. The pages are read-only; actions are services, called by POST."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/action/", wrap(self.run_action), name="orders_order_action"),
            path("<int:pk>/return/", wrap(self.start_return), name="orders_order_return"),
            path("<int:pk>/as-buyer/", csp_replace(FRAMING_POLICY)(wrap(self.as_buyer)), name="orders_order_as_buyer"),
            path(
                "<int:pk>/buyers-page/",
                csp_replace(FRAMED_POLICY)(wrap(never_cache(self.buyers_page))),
                name="orders_order_buyers_page",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        if order is None or request.method == "POST" or not self.has_view_permission(request, order):
            return super().change_view(request, object_id, form_url, extra_context)  # refuses, as all admins do
        return self._page(request, order)

    def _page(
        self, request: HttpRequest, order: Order, failed: OrderAction | None = None, form: Any = None
    ) -> TemplateResponse:
        """The page on the tab of the query or, after an action failed, of the action, with its form."""
        tabs = [tab for tab in TABS if tab.is_visible_to(request.user)]
        wanted = failed.tab if failed is not None else request.GET.get("tab")
        tab = next((each for each in tabs if each.name == wanted), tabs[0])
        actions = [
            (action, form if action is failed else action.form(order))
            for action in ACTIONS.values()
            if action.tab == tab.name and request.user.has_perm(action.permission) and action.is_offered(order)
        ]
        context = {
            "title": gettext("Order %(number)s") % {"number": order.number},
            "original": order,
            "order": order,
            "card": load_card(order),
            "person": _person(order, request.user),
            "tab": tab,
            "tabs": [LinkTab(each.label, order_url(order, each.name), each is tab) for each in tabs],
            "actions": [(action, bound) for action, bound in actions if not action.is_for_rows],
            "row_actions": {action.name: action for action, _form in actions if action.is_for_rows},
            "action_url": reverse("admin:orders_order_action", args=[order.pk]),
            "return_url": _return_url(order, request.user),
            "as_buyer_url": _as_buyer_url(order, request.user),
        }
        return self._render(request, "desk/admin/order/page.html", context | tab.load(order, request.user))

    def _render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request, template, self.admin_site.each_context(request) | {"opts": self.opts} | context
        )

    def run_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run one of ACTIONS, by POST. Errors are shown on its form."""
        order = _get_order(pk)
        allowed = [action for action in ACTIONS.values() if request.user.has_perm(action.permission)]
        if not allowed or not self.has_view_permission(request, order):
            raise PermissionDenied
        action = ACTIONS.get(request.POST.get("action", "")) if request.method == "POST" else None
        if action is None:
            return HttpResponseRedirect(order_url(order))
        if action not in allowed:
            raise PermissionDenied
        form = action.form(order, request.POST)
        if not form.is_valid():
            return self._failed(request, order, action, form)
        assert isinstance(request.user, User)
        try:
            done = action.run(order, request.user, form.cleaned_data)
        except NotDone as refusal:
            form.add_error(refusal.field, str(refusal))
            return self._failed(request, order, action, form)
        self.log_change(request, order, done)
        messages.success(request, gettext("Done: %(what)s") % {"what": done})
        return HttpResponseRedirect(order_url(order, action.tab))

    def _failed(self, request: HttpRequest, order: Order, action: OrderAction, form: Any) -> HttpResponse:
        if action.is_for_rows or not form.visible_fields():  # the page shows no form that could name the errors
            for errors in form.errors.values():
                for error in errors:
                    messages.warning(request, error)
            return HttpResponseRedirect(order_url(order, action.tab))
        return self._page(request, order, action, form)

    # --- A return for the buyer ---

    def start_return(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Request a return for the buyer, by the same rules and with the same email. Staff decide on it afterwards."""
        if not (request.user.has_perm(START_RETURN) and request.user.has_perm("orders.view_order")):
            raise PermissionDenied
        order = _get_order(pk)
        now = timezone.now()
        eligibility = check_eligibility(order, now)
        form = StaffReturnForm(eligibility, now, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            assert isinstance(request.user, User)
            try:
                case = request_return(
                    order,
                    form.requested_lines(),
                    form.cleaned_data["reason"],
                    form.cleaned_data["comment"],
                    form.order_submission_id,
                    may_approve=False,
                    by=request.user,
                )
            except Refusal as refusal:
                form.add_refusal(refusal)
            else:
                self.log_change(request, order, gettext("Return requested: %(case)s") % {"case": case})
                text = gettext("%(case)s was requested. The buyer gets an email. Decide on it here.")
                messages.success(request, text % {"case": case})
                return HttpResponseRedirect(reverse("admin:refunds_return_change", args=[case.pk]))
        context = {
            "title": gettext("Start a return"),
            "original": order,
            "order": order,
            "refusal": eligibility.refusal,
            "form": form,
            "shows_serials": request.user.has_perm("licenses.view_license"),
            "order_url": order_url(order),
        }
        return self._render(request, "desk/admin/order/return.html", context)

    # --- The buyer's page ---

    def as_buyer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the buyer's page in a frame in which nothing works, and record that."""
        order = self._order_for_buyers_view(request, pk)
        record_buyers_view(request, order)
        context = {
            "title": gettext("As the buyer sees it"),
            "order": order,
            "order_url": order_url(order),
            "frame_url": reverse("admin:orders_order_buyers_page", args=[order.pk]),
        }
        return self._render(request, "desk/admin/order/as_buyer.html", context)

    def buyers_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page in the frame, without what this member of staff may not see."""
        order = self._order_for_buyers_view(request, pk)
        context = order_page_context(order, is_visible=lambda panel: panel.is_visible_to(request.user))
        return xframe_options_sameorigin(render)(request, "orders/framed_order.html", context | {"messages": []})

    def _order_for_buyers_view(self, request: HttpRequest, pk: int) -> Order:
        if not request.user.has_perms(SEE_AS_BUYER):
            raise PermissionDenied
        return _get_order(pk)


class StaffReturnForm(ReturnForm):
    """The buyer's form with the fields of the admin."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        reason: Any = self.fields["reason"]
        reason.widget = UnfoldAdminSelectWidget(choices=reason.choices)
        self.fields["comment"].widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
        for field in self.fields.values():
            if isinstance(field.widget, NumberInput):
                field.widget.attrs["class"] = " ".join(INPUT_CLASSES)


def _get_order(pk: int) -> Order:
    order = Order.objects.filter(pk=pk).select_related("store").first()
    if order is None:
        raise Http404
    return order


def _person(order: Order, user: Any) -> str:
    """The URL of the person's page; empty if there is none, or the user may see nothing there."""
    key = email_key(order.email)
    person = Person(key, user) if key else None
    return reverse("admin:desk_person", args=[person.key]) if person is not None and visible_tabs(person) else ""


def _return_url(order: Order, user: Any) -> str:
    return reverse("admin:orders_order_return", args=[order.pk]) if user.has_perm(START_RETURN) else ""


def _as_buyer_url(order: Order, user: Any) -> str:
    return reverse("admin:orders_order_as_buyer", args=[order.pk]) if user.has_perms(SEE_AS_BUYER) else ""
